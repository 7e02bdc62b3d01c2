/** What every JSON line about a whole record has: its place, its headers, and bytes in base64. */
import type { TopicPartition } from '../../../journal/ids.ts';
import type { RecordCursor } from '../../sources/port.ts';
import { LineScratch } from '../lineScratch.ts';
import { writeBase64, writeString } from './encodings.ts';
import { HeaderReader } from '../../../kernels/text/recordHeaders.ts';

/** Any record of its batch has an offset that is exact as a number: a delta has 32 bits. */
const LARGEST_BASE = BigInt(Number.MAX_SAFE_INTEGER) - 2n ** 32n;

export class Envelope {
  readonly line = new LineScratch();
  readonly #headers = new HeaderReader();
  /** `{"topic":"clicks","partition":0,"offset":` */
  readonly begin: Buffer;
  /** The base offset of the batch as a number; NaN where it is too large for one. */
  #base = -1n;
  #baseNumber = NaN;

  constructor({ topic, partition }: TopicPartition) {
    this.begin = Buffer.from(`{"topic":${JSON.stringify(topic)},"partition":${partition},"offset":`);
  }

  /** Begins another line, up to the offset. */
  beginLine({ baseOffset, offsetDelta }: RecordCursor): LineScratch {
    const { line } = this;
    line.clear();
    line.copy(this.begin, 0, this.begin.length);
    if (baseOffset !== this.#base) {
      this.#base = baseOffset;
      this.#baseNumber = baseOffset <= LARGEST_BASE ? Number(baseOffset) : NaN;
    }
    if (Number.isNaN(this.#baseNumber)) line.ascii(String(baseOffset + BigInt(offsetDelta)));
    else line.whole(this.#baseNumber + offsetDelta);
    return line;
  }

  /** Bytes of any kind; `start` is negative for null. */
  bytes(bytes: Uint8Array, start: number, end: number): void {
    if (start < 0) this.line.ascii('null');
    else writeBase64(this.line, bytes, start, end);
  }

  /**
   * The headers as an array of pairs, with values in base64. A name that is no UTF-8 becomes null; false if
   * there is one.
   */
  headers(record: RecordCursor): boolean {
    const { line } = this;
    const headers = this.#headers;
    let areNamed = true;
    headers.start(record);
    line.ascii('[');
    for (let isFirst = true; headers.next(); isFirst = false) {
      line.ascii(isFirst ? '[' : ',[');
      if (writeString(line, headers.bytes, headers.nameStart, headers.nameEnd) !== null) {
        line.ascii('null');
        areNamed = false;
      }
      line.ascii(',');
      this.bytes(headers.bytes, headers.valueStart, headers.valueEnd);
      line.ascii(']');
    }
    line.ascii(']');
    return areNamed;
  }
}
