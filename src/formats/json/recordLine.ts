/**
 * `envelope: record`: one JSON object per record, with topic, partition, offset, timestamp (milliseconds
 * since the epoch), key, value and headers. Headers are pairs in their order: names may repeat. A null key,
 * value or header value is null.
 */
import type { TopicPartition } from '../../../journal/ids.ts';
import type { BulkLines } from '../../../kernels/lines.ts';
import { BEGIN_BYTES_MAX } from '../../../kernels/recordLines.ts';
import type { Decode } from '../../config/jobConfig.ts';
import type { RecordCursor } from '../../sources/port.ts';
import type { BadReason, LineFormat } from '../format.ts';
import { JsonCheck } from './check.ts';
import { writeString } from './encodings.ts';
import { Envelope } from './envelope.ts';
import { copyOnOneLine } from './oneLine.ts';

export class RecordLine implements LineFormat {
  readonly type = 'lines';
  readonly inBulk: BulkLines | null;
  readonly start = 0;
  readonly #decode: { readonly key: Decode; readonly value: Decode };
  readonly #envelope: Envelope;
  readonly #check = new JsonCheck();

  constructor(partition: TopicPartition, decode: { readonly key: Decode; readonly value: Decode }) {
    const { key, value } = decode;
    this.#decode = decode;
    this.#envelope = new Envelope(partition);
    const { begin } = this.#envelope;
    const isInBulk = key !== 'json' && value !== 'json' && begin.length <= BEGIN_BYTES_MAX;
    this.inBulk = isInBulk ? { type: 'records', begin, key, value } : null;
  }

  get bytes(): Buffer {
    return this.#envelope.line.bytes;
  }

  get end(): number {
    return this.#envelope.line.end;
  }

  encode(record: RecordCursor): BadReason | null {
    const { key, value } = this.#decode;
    const line = this.#envelope.beginLine(record);
    line.ascii(',"timestamp":');
    // External data: a time outside of what JSON numbers hold exactly is written as null.
    if (Number.isSafeInteger(record.timestampMs)) line.whole(record.timestampMs);
    else line.ascii('null');
    line.ascii(',"key":');
    const badKey = this.#write(key, record.keyBytes, record.keyStart, record.keyEnd);
    if (badKey !== null) return badKey;
    line.ascii(',"value":');
    const badValue = this.#write(value, record.valueBytes, record.valueStart, record.valueEnd);
    if (badValue !== null) return badValue;
    line.ascii(',"headers":');
    const areNamed = this.#envelope.headers(record);
    line.ascii('}');
    return areNamed ? null : 'invalid-utf8';
  }

  #write(decode: Decode, bytes: Buffer, start: number, end: number): BadReason | null {
    const { line } = this.#envelope;
    if (start < 0 || decode === 'bytes') {
      this.#envelope.bytes(bytes, start, end);
      return null;
    }
    if (decode === 'string') return writeString(line, bytes, start, end);
    const bad = this.#check.check(bytes, start, end);
    if (bad !== null) return bad;
    if (this.#check.hasLineBreaks) copyOnOneLine(line, bytes, start, end);
    else line.copy(bytes, start, end);
    return null;
  }
}
