/** Writes one Parquet file: records in, bytes out. It does no input or output itself. */
import { createHash } from 'node:crypto';
import { TidemarkError } from '../../../journal/errors.ts';
import type { BadValue } from './badValue.ts';
import type { Column } from './column.ts';
import { type Codec, codecNumber, compressor, type PageCompressor } from './compress.ts';
import { type EnvelopeRecord, EnvelopeWriter } from './envelope.ts';
import { FlatReader } from './flatReader.ts';
import { HeldTexts } from './heldTexts.ts';
import { type ChunkFacts, footerBytes, MAGIC, rowGroup } from './metadata.ts';
import { type PageSteps, PageWriter, ToCompress } from './pages.ts';
import { RecordReader } from './recordReader.ts';
import { shapeOfSchema } from './rowShape.ts';
import type { RowTexts } from './rowText.ts';
import { checkedSchema, type ParquetSchema } from './schema.ts';
import { schemaElements } from './schemaElements.ts';
import { schemaTree } from './schemaTree.ts';
import { appendTailPiece, type TailMark, tailPiece } from './tail.ts';

export interface ParquetOptions {
  readonly codec: Codec;
  /** gzip: 0 to 9, else 6; zstd: 1 to 22, else 1. */
  readonly level?: number;
  /** Memory of the rows after which `isFull` asks for the end of the row group. */
  readonly rowGroupBytes: number;
  /** Size of a page before it is compressed. */
  readonly pageBytes?: number;
  readonly createdBy: string;
  readonly keyValues?: Readonly<Record<string, string>>;
  /** False: every value takes the complete path. For tests. */
  readonly isFast?: boolean;
}

/** A row group that has ended. A later process writes on after it with this. */
export interface EndedRowGroup {
  /** As the footer lists it. */
  readonly metadata: Uint8Array;
  /** Of the file up to its end. */
  readonly lengthBytes: number;
  /** Of the file up to its end. */
  readonly rows: number;
}

const NO_BYTES = new Uint8Array(0);
const PAGE_BYTES = 1 << 20;
/** The memory of the rows is summed up once for each such part of a row group. */
const LOOKS_PER_ROW_GROUP = 64;
/** Rows take so much of their memory once they are encoded, as long as nothing better is known. */
const USUAL_RATIO = 0.5;
const ROW_NUMBER_MAX = 2 ** 30;

export class ParquetEncoder {
  /** Rows in all, with those that are not in a row group yet. */
  rows = 0;
  /** Fields that records had and the schema has not. */
  get fieldsIgnored(): number {
    return this.#reader.fieldsIgnored;
  }
  /** Records that the kernel has read. */
  get recordsInBulk(): number {
    this.#flat?.settle();
    return this.#flat?.recordsRead ?? 0;
  }
  /** Values that the fast path has left to the complete one. */
  get unusualValues(): number {
    return this.#reader.unusualValues;
  }

  readonly #options: ParquetOptions;
  readonly #columns: readonly Column[];
  readonly #reader: RecordReader;
  /** Null where every record is for `#reader`. */
  readonly #flat: FlatReader | null;
  readonly #envelope: EnvelopeWriter | null;
  readonly #schema: ParquetSchema;
  /** Made for the first who asks. */
  #heldTexts: HeldTexts | null = null;
  readonly #compressor: PageCompressor;
  readonly #pages: PageWriter;
  readonly #schemaElements: readonly Uint8Array[];
  readonly #digest: string;
  readonly #rowGroups: EndedRowGroup[];
  #lengthBytes = 0;
  /** In no row group yet. */
  #rowsHeld = 0;
  /** Of each try to append one, so that what a failed one has left can be told. */
  #rowNumber = 0;
  #workSinceLook = 0;
  #isFull = false;
  #isEnding = false;
  #ratio = USUAL_RATIO;

  /**
   * Throws CONFIG_INVALID if a Parquet file cannot have the schema, RangeError if the codec has no such
   * level.
   * @param rowGroups those that the file has already, from an encoder of the same schema.
   */
  constructor(schema: ParquetSchema, options: ParquetOptions, rowGroups: readonly EndedRowGroup[] = []) {
    const root = schemaTree(checkedSchema(schema));
    this.#options = options;
    this.#columns = root.columns;
    this.#reader = new RecordReader(root, options.isFast);
    this.#envelope = EnvelopeWriter.over(schema, root);
    this.#schema = schema;
    this.#compressor = compressor(options.codec, options.level);
    this.#pages = new PageWriter({
      codecNumber: codecNumber(options.codec),
      pageBytes: options.pageBytes ?? PAGE_BYTES,
    });
    this.#schemaElements = schemaElements(schema);
    this.#digest = schemaDigest(schema);
    const { isFast = true } = options;
    this.#flat = isFast && this.#envelope === null ? FlatReader.over(root, this.#digest) : null;
    this.#rowGroups = [...rowGroups];
    const last = rowGroups.at(-1);
    if (last === undefined) return;
    this.rows = last.rows;
    this.#lengthBytes = last.lengthBytes;
  }

  /**
   * Appends the JSON object bytes[start, end). Returns null, or why it does not fit: then nothing of it was
   * appended.
   */
  append(bytes: Buffer, start: number, end: number): BadValue | null {
    this.#beginRow();
    if (this.#flat?.read(bytes, start, end) === true) {
      this.#endRow(end - start + this.#columns.length);
      return null;
    }
    const problem = this.#reader.read(bytes, start, end, this.#rowNumber);
    if (problem !== null) return problem;
    this.#endRow(end - start + this.#columns.length + this.#reader.nullsAdded);
    this.#reader.nullsAdded = 0;
    return null;
  }

  /** Appends a record as it is; for `recordEnvelope` alone. @param topic UTF-8. */
  appendRecord(topic: Uint8Array, partition: number, record: EnvelopeRecord): BadValue | null {
    if (this.#envelope === null) throw new TidemarkError('INTERNAL', 'The schema is no record envelope.');
    this.#beginRow();
    const problem = this.#envelope.append(topic, partition, record, this.#rowNumber);
    if (problem !== null) return problem;
    this.#endRow(record.keyEnd - record.keyStart + (record.valueEnd - record.valueStart) + topic.length + 32);
    return null;
  }

  /** Whether the rows that are in no row group take the memory of one. To be asked after each record. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Memory of the rows that are in no row group yet. Sums up all columns: to be asked per batch. */
  get heldBytes(): number {
    this.#flat?.measure();
    return this.#columns.reduce((sum, column) => sum + column.heldBytes, 0);
  }

  /** Memory that the encoder takes, with what is not filled. Sums up all columns: to be asked per batch. */
  get memoryBytes(): number {
    return this.#columns.reduce((sum, column) => sum + column.memoryBytes, 0);
  }

  get rowsHeld(): number {
    return this.#rowsHeld;
  }

  /** Bytes of the row groups that have ended. */
  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  /** How long the file would be if it ended now, about; without its footer. */
  get estimatedBytes(): number {
    return Math.round(this.#lengthBytes + this.heldBytes * this.#ratio);
  }

  /**
   * The texts of the rows that are in no row group, from the first one on: as they will be read from the file
   * (read/rowLines.ts). Lent, until a row is appended, or this is called again.
   */
  heldTexts(): RowTexts {
    this.#expectSettled();
    this.#heldTexts ??= new HeldTexts(shapeOfSchema(this.#schema), this.#columns);
    return this.#heldTexts.fromFirst();
  }

  /**
   * Ends the row group: yields its bytes, page by page, each the caller's. Nothing happens before the first
   * one is asked for, and nothing may be appended before all were taken. Without rows it yields nothing.
   */
  *endRowGroup(): Generator<Uint8Array, void> {
    const steps = this.#rowGroupSteps();
    for (let step = steps.next(NO_BYTES); step.done !== true;) {
      if (step.value instanceof ToCompress) step = steps.next(this.#compressor.here(step.value.bytes));
      else {
        yield step.value;
        step = steps.next(NO_BYTES);
      }
    }
  }

  /** The same, but other threads compress the pages, one at a time, while this one does something else. */
  async *endRowGroupInThreads(): AsyncGenerator<Uint8Array, void> {
    const steps = this.#rowGroupSteps();
    for (let step = steps.next(NO_BYTES); step.done !== true;) {
      if (step.value instanceof ToCompress)
        step = steps.next(await this.#compressor.inThread(step.value.bytes));
      else {
        yield step.value;
        step = steps.next(NO_BYTES);
      }
    }
  }

  *#rowGroupSteps(): PageSteps<void> {
    this.#expectSettled();
    if (this.#rowsHeld === 0) return;
    this.#isEnding = true;
    const { heldBytes } = this;
    const magic = this.#lengthBytes === 0 ? MAGIC.length : 0;
    if (magic > 0) yield Uint8Array.from(MAGIC);
    const start = this.#lengthBytes + magic;
    let offset = start;
    const chunks: ChunkFacts[] = [];
    for (const column of this.#columns) {
      const chunk = yield* this.#pages.chunk(column, offset);
      chunks.push(chunk);
      offset += chunk.compressedBytes;
      column.clear();
    }
    this.#lengthBytes = offset;
    const metadata = rowGroup(chunks, this.#rowsHeld, start);
    this.#rowGroups.push({ metadata, lengthBytes: offset, rows: this.rows });
    this.#ratio = (offset - start) / Math.max(1, heldBytes);
    this.#pages.release();
    this.#startGroup();
    this.#isEnding = false;
  }

  /** What ends the file after the row groups so far. Rows that are in none are not in the file. */
  footer(): Uint8Array {
    this.#expectWhole();
    const footer = footerBytes({
      schemaElements: this.#schemaElements,
      columns: this.#columns.length,
      rows: this.rows - this.#rowsHeld,
      rowGroups: this.#rowGroups.map(({ metadata }) => metadata),
      keyValues: this.#options.keyValues ?? {},
      createdBy: this.#options.createdBy,
    });
    return this.#lengthBytes === 0 ? Buffer.concat([MAGIC, footer]) : footer;
  }

  /** Those that have ended. */
  get rowGroups(): readonly EndedRowGroup[] {
    this.#expectWhole();
    return this.#rowGroups;
  }

  /** Takes back the rows that are in no row group. */
  discardRows(): void {
    this.#expectSettled();
    for (const column of this.#columns) column.reset();
    this.rows -= this.#rowsHeld;
    this.#startGroup();
  }

  /** Where the rows end now; for `tailBytes`. */
  tailMark(): TailMark {
    this.#flat?.settle();
    return {
      rowGroups: this.#rowGroups.length,
      rows: this.#rowsHeld,
      columns: this.#columns.map((column) => column.mark()),
    };
  }

  /**
   * The rows that are in no row group, for `appendTail`. @param since a mark of this row group: only the rows
   * after it. The pieces are then appended in their order.
   */
  tailBytes(since?: TailMark): Buffer {
    this.#expectSettled();
    if (since !== undefined && since.rowGroups !== this.#rowGroups.length) {
      throw new TidemarkError('INTERNAL', 'The rows after the mark are in a row group.');
    }
    return tailPiece(this.#columns, this.#rowsHeld, since, this.#digest);
  }

  /**
   * Appends the rows that another encoder of this schema has had. Throws STORE_CONTENT_DIFFERS if they are
   * damaged.
   */
  appendTail(bytes: Uint8Array): void {
    this.#expectSettled();
    const rows = appendTailPiece(this.#columns, bytes, this.#digest);
    this.rows += rows;
    this.#rowsHeld += rows;
    this.#isFull = this.heldBytes >= this.#options.rowGroupBytes;
  }

  #startGroup(): void {
    this.#rowsHeld = 0;
    this.#workSinceLook = 0;
    this.#isFull = false;
  }

  #beginRow(): void {
    this.#expectWhole();
    // Small integers alone; a number is compared with the one before only.
    this.#rowNumber = this.#rowNumber === ROW_NUMBER_MAX ? 0 : this.#rowNumber + 1;
  }

  #endRow(work: number): void {
    this.rows += 1;
    this.#rowsHeld += 1;
    this.#workSinceLook += work;
    if (this.#workSinceLook * LOOKS_PER_ROW_GROUP < this.#options.rowGroupBytes) return;
    this.#workSinceLook = 0;
    this.#isFull = this.heldBytes >= this.#options.rowGroupBytes;
  }

  /** Before anybody looks at the columns. */
  #expectSettled(): void {
    this.#expectWhole();
    this.#flat?.settle();
  }

  #expectWhole(): void {
    if (this.#isEnding) throw new TidemarkError('INTERNAL', 'The row group has not been taken to its end.');
  }
}

/** Says whether two schemas are the same: 32 hexadecimal digits. */
export function schemaDigest(schema: ParquetSchema): string {
  return createHash('sha256').update(JSON.stringify(schema)).digest('hex').slice(0, 32);
}
