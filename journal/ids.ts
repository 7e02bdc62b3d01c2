/**
 * Branded ids. Each is built by one validating function, so that a plain string is never mistaken for one.
 */
import type { Branded } from '../kernels/brand.ts';
import type { Crc64Hex } from '../kernels/crc64Plain.ts';
import { TidemarkError } from './errors.ts';

export type { Crc64Hex } from '../kernels/crc64Plain.ts';

/** Name of a job, `[a-z0-9-]{1,63}`. */
export type JobName = Branded<string, 'JobName'>;
/** Random id of one part file, 32 lower-case hex digits; part of its temporary name. */
export type PartId = Branded<string, 'PartId'>;
/** Random id of one ownership of a partition, 32 lower-case hex digits. */
export type ClaimId = Branded<string, 'ClaimId'>;
/** Random id of a journal, assigned at its creation; a recreated journal has another one. */
export type JournalId = Branded<string, 'JournalId'>;
/** SHA-256 of the stored bytes of an entry, 64 lower-case hex digits. */
export type EntryHash = Branded<string, 'EntryHash'>;
/** Name of a sequence of entries in a journal: of one partition, of a job's own life, or of its requests. */
export type Subject = Branded<string, 'Subject'>;

function matching(what: string, pattern: RegExp, text: string): string {
  if (pattern.test(text)) return text;
  throw new TidemarkError('INTERNAL', `"${text}" is not a valid ${what} (${pattern.source}).`);
}

export const JOB_NAME_PATTERN = /^[a-z0-9-]{1,63}$/;
export const jobName = (text: string): JobName => matching('job name', JOB_NAME_PATTERN, text) as JobName;
export const partId = (text: string): PartId => matching('part id', /^[0-9a-f]{32}$/, text) as PartId;
export const claimId = (text: string): ClaimId => matching('claim id', /^[0-9a-f]{32}$/, text) as ClaimId;
export const JOURNAL_ID_PATTERN = /^[0-9a-zA-Z-]{8,64}$/;
export const journalId = (text: string): JournalId =>
  matching('journal id', JOURNAL_ID_PATTERN, text) as JournalId;
export const entryHash = (text: string): EntryHash =>
  matching('entry hash', /^[0-9a-f]{64}$/, text) as EntryHash;
export const crc64Hex = (text: string): Crc64Hex => matching('CRC-64', /^[0-9a-f]{16}$/, text) as Crc64Hex;

/** The previous hash in the first entry of a subject. */
export const NO_HASH = entryHash('0'.repeat(64));

/**
 * A partition of the source: a Kafka topic-partition, or a file as partition 0 of the topic named after its
 * path.
 */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

const OFFSET_MAX = 9_223_372_036_854_775_807n;

/** An offset that somebody wrote: a whole number that Kafka can count to. Null if it is none. */
export function offsetOf(text: string): bigint | null {
  const offset = /^\d{1,19}$/.test(text) ? BigInt(text) : null;
  return offset === null || offset > OFFSET_MAX ? null : offset;
}

/** `topic/partition`, for maps, logs and messages. */
export function partitionName({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
