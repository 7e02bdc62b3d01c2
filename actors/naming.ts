/** Names of part files. A final name holds the first offset, so that no later file of the bucket reuses it. */
import type { PartId, TopicPartition } from '../journal/ids.ts';
import { encodePathSegment } from './pathSegment.ts';

export interface NamingRule {
  /** URI of the sink's folder, without a slash at its end. */
  readonly sinkUri: string;
  readonly prefix: string;
  readonly suffix: string;
}

/** Longest name that file systems take. */
const NAME_BYTES_MAX = 255;
/** Longest prefix and longest suffix that a job may configure. */
export const AFFIX_BYTES_MAX = 32;
const PARTITION_DIGITS_MAX = 10;
const OFFSET_DIGITS = 20;
const DASHES = 3;
/**
 * What is left for the topic, in bytes. Always the same, whatever the job's prefix is: a topic has one name in all its files.
 * Kafka's names may have 249 bytes; a longer one is cut and told apart by its checksum.
 */
export const TOPIC_BYTES_MAX =
  NAME_BYTES_MAX - 2 * AFFIX_BYTES_MAX - PARTITION_DIGITS_MAX - OFFSET_DIGITS - DASHES;

/** URI of a bucket's folder. */
export function bucketUri(rule: NamingRule, bucket: string): string {
  return bucket === '' ? rule.sinkUri : `${rule.sinkUri}/${bucket}`;
}

/** `<bucket>/<prefix>-<topic>-<partition>-<first offset, 20 digits><suffix>`. */
export function finalUri(
  rule: NamingRule,
  bucket: string,
  { topic, partition }: TopicPartition,
  firstOffset: bigint,
): string {
  const offset = firstOffset.toString().padStart(OFFSET_DIGITS, '0');
  const name = `${rule.prefix}-${encodePathSegment(topic, TOPIC_BYTES_MAX)}-${partition}-${offset}${rule.suffix}`;
  return `${bucketUri(rule, bucket)}/${name}`;
}

/** A hidden name in the same folder; random, so that nobody else writes there. */
export function temporaryUri(rule: NamingRule, bucket: string, id: PartId): string {
  return `${bucketUri(rule, bucket)}/.tidemark-${id}`;
}
