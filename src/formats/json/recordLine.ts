/**
 * `envelope: record`: one JSON object per record, with topic, partition, offset, timestamp (milliseconds since
 * the epoch), key, value and headers. Headers are pairs in their order: names may repeat. A null key, value or
 * header value is null.
 */
import type { TopicPartition } from '../../../journal/ids.ts';
import type { Decode } from '../../config/jobConfig.ts';
import type { RecordCursor } from '../../sources/port.ts';
import type { BadReason, LineFormat } from '../format.ts';
import { LineScratch } from '../lineScratch.ts';
import { JsonCheck } from './check.ts';
import { writeBase64, writeString } from './encodings.ts';
import { HeaderReader } from './headers.ts';
import { copyOnOneLine } from './oneLine.ts';

export class RecordLine implements LineFormat {
  readonly isValue = false;
  readonly start = 0;
  readonly #decode: { readonly key: Decode; readonly value: Decode };
  readonly #scratch = new LineScratch();
  readonly #check = new JsonCheck();
  readonly #headers = new HeaderReader();
  /** `{"topic":"clicks","partition":0,"offset":` */
  readonly #begin: Buffer;

  constructor(
    { topic, partition }: TopicPartition,
    decode: { readonly key: Decode; readonly value: Decode },
  ) {
    this.#decode = decode;
    this.#begin = Buffer.from(`{"topic":${JSON.stringify(topic)},"partition":${partition},"offset":`);
  }

  get bytes(): Buffer {
    return this.#scratch.bytes;
  }

  get end(): number {
    return this.#scratch.end;
  }

  encode(record: RecordCursor): BadReason | null {
    const line = this.#scratch;
    const { key, value } = this.#decode;
    line.clear();
    line.copy(this.#begin, 0, this.#begin.length);
    line.ascii(String(record.baseOffset + BigInt(record.offsetDelta)));
    line.ascii(',"timestamp":');
    line.ascii(timestampText(record.timestampMs));
    line.ascii(',"key":');
    const badKey = this.#write(key, record.keyBytes, record.keyStart, record.keyEnd);
    if (badKey !== null) return badKey;
    line.ascii(',"value":');
    const badValue = this.#write(value, record.valueBytes, record.valueStart, record.valueEnd);
    if (badValue !== null) return badValue;
    line.ascii(',"headers":[');
    const badHeader = this.#writeHeaders(record);
    line.ascii(']}');
    return badHeader;
  }

  #write(decode: Decode, bytes: Buffer, start: number, end: number): BadReason | null {
    const line = this.#scratch;
    if (start < 0) {
      line.ascii('null');
      return null;
    }
    switch (decode) {
      case 'bytes':
        writeBase64(line, bytes, start, end);
        return null;
      case 'string':
        return writeString(line, bytes, start, end);
      case 'json': {
        const bad = this.#check.check(bytes, start, end);
        if (bad !== null) return bad;
        if (this.#check.hasLineBreaks) copyOnOneLine(line, bytes, start, end);
        else line.copy(bytes, start, end);
        return null;
      }
    }
  }

  /** Values of headers are base64: their bytes are of any kind. */
  #writeHeaders(record: RecordCursor): BadReason | null {
    const headers = this.#headers;
    const line = this.#scratch;
    headers.start(record);
    for (let isFirst = true; headers.next(); isFirst = false) {
      line.ascii(isFirst ? '[' : ',[');
      const bad = writeString(line, headers.bytes, headers.nameStart, headers.nameEnd);
      if (bad !== null) return bad;
      line.ascii(',');
      if (headers.valueStart < 0) line.ascii('null');
      else writeBase64(line, headers.bytes, headers.valueStart, headers.valueEnd);
      line.ascii(']');
    }
    return null;
  }
}

/** External data: a time outside of what JSON numbers hold exactly is written as null. */
function timestampText(timestampMs: number): string {
  return Number.isSafeInteger(timestampMs) ? String(timestampMs) : 'null';
}
