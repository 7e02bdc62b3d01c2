/**
 * The rows of one part file: a Parquet encoder, what its records are, and the log that it can be restored
 * from.
 */
import { TidemarkError } from '../../../journal/errors.ts';
import type { RecordCursor } from '../../sources/port.ts';
import type { BadReason } from '../format.ts';
import { HeaderReader } from '../../../kernels/text/recordHeaders.ts';
import type { RowEncoder, RowFormat } from '../rows.ts';
import type { BadReason as BadValueReason, BadValue } from './badValue.ts';
import { type EndedRowGroup, ParquetEncoder } from './encoder.ts';
import type { EnvelopeHeader, EnvelopeRecord } from './envelope.ts';
import { headerFrame, type RowFile, rowGroupFrame, rowsFrame } from './rowFrames.ts';
import type { TailMark } from './tail.ts';

const REASONS: Readonly<Record<BadValueReason, BadReason>> = {
  syntax: 'invalid-json',
  utf8: 'invalid-utf8',
  tooDeep: 'too-deep',
  notAnObject: 'not-an-object',
  duplicateKey: 'duplicate-key',
  missing: 'missing-field',
  wrongType: 'wrong-type',
  outOfRange: 'out-of-range',
  precision: 'precision',
  format: 'invalid-text',
  length: 'wrong-length',
  notASymbol: 'not-a-symbol',
};

/** Rows of one partition. */
export class ParquetRows implements RowFormat {
  readonly type = 'rows';
  readonly #file: RowFile;
  readonly #hasThreads: boolean;
  /** For records whose file is not open: its rows are taken back. Made for the first of them. */
  #scratch: ParquetRowEncoder | null = null;

  /** @param hasThreads whether other threads compress pages: when they are through is nobody's to say. */
  constructor(file: RowFile, hasThreads = false) {
    this.#file = file;
    this.#hasThreads = hasThreads;
  }

  check(record: RecordCursor): BadReason | null {
    const scratch = this.#scratchEncoder();
    const problem = scratch.append(record);
    if (problem === null) scratch.discardRows();
    return problem;
  }

  rowText(record: RecordCursor): string {
    const scratch = this.#scratchEncoder();
    const problem = scratch.append(record);
    if (problem !== null)
      throw new TidemarkError('INTERNAL', `A record that cannot be a row (${problem}) has no text.`);
    const text = scratch.heldText();
    scratch.discardRows();
    return text;
  }

  #scratchEncoder(): ParquetRowEncoder {
    this.#scratch ??= new ParquetRowEncoder(this.#file);
    return this.#scratch;
  }

  begin(): RowEncoder {
    return this.#withThreads(new ParquetRowEncoder(this.#file));
  }

  goOn(restored: RowEncoder): RowEncoder {
    return restored instanceof ParquetRowEncoder ? this.#withThreads(restored) : restored;
  }

  #withThreads(encoder: ParquetRowEncoder): ParquetRowEncoder {
    encoder.hasThreads = this.#hasThreads;
    return encoder;
  }
}

export class ParquetRowEncoder implements RowEncoder {
  readonly #file: RowFile;
  readonly #encoder: ParquetEncoder;
  /** UTF-8; null: rows are typed values. */
  readonly #topic: Uint8Array | null;
  readonly #partition: number;
  readonly #headers = new HeaderReader();
  /** Whether other threads compress its pages. */
  hasThreads = false;
  #isHeaderLogged = false;
  #groupsLogged = 0;
  /** Where the rows ended that were logged last; undefined: none of this row group were. */
  #logged: TailMark | undefined;

  /**
   * Throws CONFIG_INVALID if a Parquet file cannot have the schema, RangeError if the codec has no such
   * level.
   * @param rowGroups those that the file has already.
   */
  constructor(file: RowFile, rowGroups: readonly EndedRowGroup[] = []) {
    this.#file = file;
    this.#encoder = new ParquetEncoder(file.schema, file.options, rowGroups);
    this.#topic = file.partition === null ? null : Buffer.from(file.partition.topic);
    this.#partition = file.partition?.partition ?? 0;
  }

  /** Rows as another encoder has logged them. Throws STORE_CONTENT_DIFFERS if they are damaged. */
  appendPiece(piece: Uint8Array): void {
    this.#encoder.appendTail(piece);
  }

  append(record: RecordCursor): BadReason | null {
    const problem =
      this.#topic === null ? this.#appendValue(record) : this.#appendRecord(this.#topic, record);
    return problem === null || typeof problem === 'string' ? problem : REASONS[problem.reason];
  }

  get rowsHeld(): number {
    return this.#encoder.rowsHeld;
  }

  get isFull(): boolean {
    return this.#encoder.isFull;
  }

  get memoryBytes(): number {
    return this.#encoder.memoryBytes;
  }

  get rows(): number {
    return this.#encoder.rows;
  }

  get lengthBytes(): number {
    return this.#encoder.lengthBytes;
  }

  get estimatedBytes(): number {
    return this.#encoder.estimatedBytes;
  }

  endGroup(): Generator<Uint8Array, void> {
    return this.#encoder.endRowGroup();
  }

  endGroupBeside(): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
    return this.hasThreads ? this.#encoder.endRowGroupInThreads() : this.#encoder.endRowGroup();
  }

  footer(): Uint8Array {
    return this.#encoder.footer();
  }

  loggedGroups(): Uint8Array {
    const { rowGroups } = this.#encoder;
    const frames = rowGroups.slice(this.#groupsLogged).map(rowGroupFrame);
    if (frames.length > 0) this.#logged = undefined;
    if (!this.#isHeaderLogged) frames.unshift(headerFrame(this.#file));
    this.#isHeaderLogged = true;
    this.#groupsLogged = rowGroups.length;
    return Buffer.concat(frames);
  }

  loggedRows(): Uint8Array | null {
    const encoder = this.#encoder;
    if (!this.#isHeaderLogged || this.#groupsLogged < encoder.rowGroups.length) {
      throw new TidemarkError('INTERNAL', 'The row groups must be logged before the rows after them.');
    }
    if (encoder.rowsHeld === (this.#logged?.rows ?? 0)) return null;
    const piece = encoder.tailBytes(this.#logged);
    this.#logged = encoder.tailMark();
    return rowsFrame(piece);
  }

  /** The text of the first row that is in no group. */
  heldText(): string {
    return this.#encoder.heldTexts().next();
  }

  /** Takes back the rows that are in no group. */
  discardRows(): void {
    this.#encoder.discardRows();
  }

  #appendValue({ valueBytes, valueStart, valueEnd }: RecordCursor): BadValue | 'null-value' | null {
    return valueStart < 0 ? 'null-value' : this.#encoder.append(valueBytes, valueStart, valueEnd);
  }

  #appendRecord(topic: Uint8Array, record: RecordCursor): BadValue | null {
    this.#headers.start(record);
    const hasHeaders = this.#headers.next();
    // A cursor without headers is a record of the envelope as it is: nothing is allocated.
    return this.#encoder.appendRecord(
      topic,
      this.#partition,
      hasHeaders ? this.#withHeaders(record) : record,
    );
  }

  /** At the first header. */
  #withHeaders(record: RecordCursor): EnvelopeRecord {
    const reader = this.#headers;
    const headers: EnvelopeHeader[] = [];
    do {
      const { bytes, nameStart, nameEnd, valueStart, valueEnd } = reader;
      const value = valueStart < 0 ? null : bytes.subarray(valueStart, valueEnd);
      headers.push({ key: bytes.subarray(nameStart, nameEnd), value });
    } while (reader.next());
    const { baseOffset, offsetDelta, timestampMs, keyBytes, keyStart, keyEnd } = record;
    const { valueBytes, valueStart, valueEnd } = record;
    return {
      ...{ baseOffset, offsetDelta, timestampMs, keyBytes, keyStart, keyEnd },
      ...{ valueBytes, valueStart, valueEnd, headers },
    };
  }
}
