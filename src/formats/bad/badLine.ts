/**
 * A record that cannot be written, as a JSON line: topic, partition, offset, timestamp, reason, and its raw
 * key, value and headers in base64. Nothing of it is lost.
 */
import type { TopicPartition } from '../../../journal/ids.ts';
import type { RecordCursor } from '../../sources/port.ts';
import type { BadReason } from '../format.ts';
import { writeBase64, writeString } from '../json/encodings.ts';
import { HeaderReader } from '../json/headers.ts';
import { LineScratch } from '../lineScratch.ts';

/** Folder of these files below the sink. Engines ignore it, for its first letter. */
export const BAD_BUCKET = '_bad';
/** Their journaled format. */
export const BAD_FORMAT = 'bad';

export class BadLine {
  readonly start = 0;
  readonly #scratch = new LineScratch();
  readonly #headers = new HeaderReader();
  readonly #begin: Buffer;

  constructor({ topic, partition }: TopicPartition) {
    this.#begin = Buffer.from(`{"topic":${JSON.stringify(topic)},"partition":${partition},"offset":`);
  }

  get bytes(): Buffer {
    return this.#scratch.bytes;
  }

  get end(): number {
    return this.#scratch.end;
  }

  encode(record: RecordCursor, reason: BadReason): void {
    const line = this.#scratch;
    line.clear();
    line.copy(this.#begin, 0, this.#begin.length);
    line.ascii(String(record.baseOffset + BigInt(record.offsetDelta)));
    line.ascii(`,"timestamp":${record.timestampMs},"reason":"${reason}","key":`);
    this.#write(record.keyBytes, record.keyStart, record.keyEnd);
    line.ascii(',"value":');
    this.#write(record.valueBytes, record.valueStart, record.valueEnd);
    line.ascii(',"headers":[');
    this.#writeHeaders(record);
    line.ascii(']}');
  }

  #write(bytes: Buffer, start: number, end: number): void {
    if (start < 0) this.#scratch.ascii('null');
    else writeBase64(this.#scratch, bytes, start, end);
  }

  #writeHeaders(record: RecordCursor): void {
    const line = this.#scratch;
    const headers = this.#headers;
    headers.start(record);
    for (let isFirst = true; headers.next(); isFirst = false) {
      line.ascii(isFirst ? '[' : ',[');
      const before = line.end;
      if (writeString(line, headers.bytes, headers.nameStart, headers.nameEnd) !== null) {
        line.end = before;
        line.ascii('null');
      }
      line.ascii(',');
      this.#write(headers.bytes, headers.valueStart, headers.valueEnd);
      line.ascii(']');
    }
  }
}
