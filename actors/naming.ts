/** Names of part files. A final name holds the first offset, so that no later file of the bucket reuses it. */
import type { PartId, TopicPartition } from '../journal/ids.ts';
import { encodePathSegment } from './pathSegment.ts';

export interface NamingRule {
  /** URI of the sink's folder, without a slash at its end. */
  readonly sinkUri: string;
  readonly prefix: string;
  readonly suffix: string;
}

const OFFSET_DIGITS = 20;

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
  return `${bucketUri(rule, bucket)}/${rule.prefix}-${encodePathSegment(topic)}-${partition}-${offset}${rule.suffix}`;
}

/** A hidden name in the same folder; random, so that nobody else writes there. */
export function temporaryUri(rule: NamingRule, bucket: string, id: PartId): string {
  return `${bucketUri(rule, bucket)}/.tidemark-${id}`;
}
