/**
 * A record that cannot be written, as a JSON line: topic, partition, offset, timestamp, reason, and its raw
 * key, value and headers in base64. Nothing of it is lost.
 */
import type { TopicPartition } from '../../../journal/ids.ts';
import type { RecordCursor } from '../../sources/port.ts';
import type { BadReason } from '../format.ts';
import { Envelope } from '../json/envelope.ts';

/** Folder of these files below the sink. Engines ignore it, for its first letter. */
export const BAD_BUCKET = '_bad';
/** Their journaled format. */
export const BAD_FORMAT = 'bad';

export class BadLine {
  readonly start = 0;
  readonly #envelope: Envelope;

  constructor(partition: TopicPartition) {
    this.#envelope = new Envelope(partition);
  }

  get bytes(): Buffer {
    return this.#envelope.line.bytes;
  }

  get end(): number {
    return this.#envelope.line.end;
  }

  encode(record: RecordCursor, reason: BadReason): void {
    const envelope = this.#envelope;
    const line = envelope.beginLine(record);
    line.ascii(`,"timestamp":${record.timestampMs},"reason":"${reason}","key":`);
    envelope.bytes(record.keyBytes, record.keyStart, record.keyEnd);
    line.ascii(',"value":');
    envelope.bytes(record.valueBytes, record.valueStart, record.valueEnd);
    line.ascii(',"headers":');
    envelope.headers(record);
    line.ascii('}');
  }
}
