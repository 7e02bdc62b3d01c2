/**
 * A kind of format: the content of a part file. Each kind has a folder here, and a line in src/app/registeredKinds.ts.
 */
import type { TopicPartition } from '../../journal/ids.ts';
import type { Decode, Envelope } from '../config/jobConfig.ts';
import type { RecordFormat } from './format.ts';

/** What the job file says of the content of part files. */
export interface Content {
  readonly envelope: Envelope;
  readonly keyDecode: Decode;
  readonly valueDecode: Decode;
}

export interface FormatKind {
  /** The value of `sink.format`. */
  readonly name: string;
  /** A sentence for people. */
  readonly description: string;
  /** The default suffix of its files, like `.json`; empty for none. */
  readonly suffix: string;
  readonly envelopes: readonly Envelope[];
  /** Journaled for each part file: whatever changes what is written changes it. */
  id(content: Content): string;
  /** For the router of one partition. */
  recordsOf(partition: TopicPartition, content: Content): RecordFormat;
}
