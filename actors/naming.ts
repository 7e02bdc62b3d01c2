/** Names of part files. A final name holds the first offset, so that no later file of the bucket reuses it. */
import type { JobName, PartId, TopicPartition } from '../journal/ids.ts';
import { encodePathSegment } from './pathSegment.ts';

/** A text in the sink's path that every part file has something else drawn for, so that folders spread evenly. */
export interface Entropy {
  /** Stands at least once in the path of the sink's URI; never empty, without `/`. */
  readonly key: string;
  /** Letters and digits that are drawn for it, at least 1. */
  readonly length: number;
}

export interface NamingRule {
  /** URI of the sink's folder, without a slash at its end; with the entropy key where there is one. */
  readonly sinkUri: string;
  readonly prefix: string;
  readonly suffix: string;
  /** Null: paths are deterministic. */
  readonly entropy: Entropy | null;
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

/**
 * URI of the folder of a bucket's part file. Where the rule has entropy, `drawn` (letters and digits, as many as it asks for)
 * stands in the place of every occurrence of the key in the path, the bucket's folder included; else `drawn` means nothing.
 */
export function folderUri(rule: NamingRule, bucket: string, drawn: string): string {
  const uri = bucketUri(rule, bucket);
  return rule.entropy === null ? uri : replaceInPath(uri, rule.entropy.key, drawn);
}

/** Whether `folder` is one that the rule gives to the bucket, whatever was drawn for it. */
export function isFolderOf(rule: NamingRule, bucket: string, folder: string): boolean {
  const { entropy } = rule;
  const template = bucketUri(rule, bucket);
  const at = entropy === null ? -1 : template.indexOf(entropy.key, pathStartOf(template));
  if (entropy === null || at === -1) return folder === template;
  const drawn = folder.slice(at, at + entropy.length);
  const isDrawn = drawn.length === entropy.length && /^[0-9A-Za-z]+$/.test(drawn);
  return isDrawn && folder === folderUri(rule, bucket, drawn);
}

/** `.g` and a number that no log ever has so many generations for. */
const GENERATION_BYTES_MAX = 12;

/**
 * `<folder>/<prefix>-<topic>-<partition>-<first offset, 20 digits><suffix>`, with `.g<generation>` before the suffix from the second
 * generation of the log on: the same offsets mean other records there. */
export function finalUri(
  rule: NamingRule,
  folder: string,
  { topic, partition }: TopicPartition,
  firstOffset: bigint,
  generation = 1,
): string {
  const isFirst = generation === 1;
  const topicBytesMax = isFirst ? TOPIC_BYTES_MAX : TOPIC_BYTES_MAX - GENERATION_BYTES_MAX;
  const offset = firstOffset.toString().padStart(OFFSET_DIGITS, '0');
  const name = `${rule.prefix}-${encodePathSegment(topic, topicBytesMax)}-${partition}-${offset}`;
  return `${folder}/${name}${isFirst ? '' : `.g${generation}`}${rule.suffix}`;
}

/** Whether a part file of the partition may be called so, whatever its first offset and what follows that. */
export function isNameOf(
  { prefix }: NamingRule,
  { topic, partition }: TopicPartition,
  name: string,
): boolean {
  const before = `${prefix}-${encodePathSegment(topic, TOPIC_BYTES_MAX)}-${partition}-`;
  return name.startsWith(before) && /^\d{20}(?!\d)/.test(name.slice(before.length));
}

/** A hidden name in the folder of the final one; random, so that nobody else writes there. */
export function temporaryUri(folder: string, id: PartId): string {
  return `${folder}/.tidemark-${id}`;
}

/** The folder that a part file was journaled in, whatever the rule was. */
export function folderOf(fileUri: string): string {
  return fileUri.slice(0, fileUri.lastIndexOf('/'));
}

/**
 * URI of the folder of what has to be found again, the marker: the sink's, without the entropy key and without the empty steps
 * that it leaves.
 */
export function markerFolderUri({ sinkUri, entropy }: Pick<NamingRule, 'sinkUri' | 'entropy'>): string {
  if (entropy === null) return sinkUri;
  const start = pathStartOf(sinkUri);
  const path = replaceInPath(sinkUri, entropy.key, '').slice(start);
  return sinkUri.slice(0, start) + path.replaceAll(/\/{2,}/g, '/').replace(/\/$/, '');
}

/** Below the marker's folder: no job is called like it. */
const WITNESSES = '.tidemark/_witness';

/** URI of the folder of all witnesses of a job's journal: `<marker folder>/.tidemark/_witness/<job>`. */
export function witnessesUri(rule: Pick<NamingRule, 'sinkUri' | 'entropy'>, job: JobName): string {
  return `${markerFolderUri(rule)}/${WITNESSES}/${job}`;
}

/** URI of the folder of one partition's witnesses: `<all witnesses>/<topic>/<partition>`. */
export function witnessFolderUri(
  rule: Pick<NamingRule, 'sinkUri' | 'entropy'>,
  job: JobName,
  { topic, partition }: TopicPartition,
): string {
  return `${witnessesUri(rule, job)}/${encodePathSegment(topic, TOPIC_BYTES_MAX)}/${partition}`;
}

function bucketUri({ sinkUri }: NamingRule, bucket: string): string {
  return bucket === '' ? sinkUri : `${sinkUri}/${bucket}`;
}

/** Scheme and authority, the container's name among them, are no part of the path. */
function pathStartOf(uri: string): number {
  const start = uri.indexOf('/', uri.indexOf('://') + '://'.length);
  return start === -1 ? uri.length : start;
}

function replaceInPath(uri: string, key: string, by: string): string {
  const start = pathStartOf(uri);
  return uri.slice(0, start) + uri.slice(start).replaceAll(key, () => by);
}
