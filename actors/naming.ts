/** Names of part files. A final name contains the first offset, so no later file of the bucket reuses it. */
import { hasRowsFile } from '../journal/entryFormats.ts';
import type { JobName, PartId, TopicPartition } from '../journal/ids.ts';
import { encodePathSegment } from './pathSegment.ts';

export { hasRowsFile };

/** A text in the sink's path that random text replaces for each part file, so that folders spread evenly. */
export interface Entropy {
  /** Occurs at least once in the path of the sink's URI; not empty, without `/`. */
  readonly key: string;
  /** Number of random letters and digits, at least 1. */
  readonly length: number;
}

export interface NamingRule {
  /** URI of the sink's folder, without a trailing slash; contains the entropy key, if there is one. */
  readonly sinkUri: string;
  readonly prefix: string;
  readonly suffix: string;
  /** Null: paths are deterministic. */
  readonly entropy: Entropy | null;
}

/** Longest file name that file systems accept. */
const NAME_BYTES_MAX = 255;
/** Longest prefix and longest suffix that a job may configure. */
export const AFFIX_BYTES_MAX = 32;
const PARTITION_DIGITS_MAX = 10;
const OFFSET_DIGITS = 20;
const DASHES = 3;
/**
 * Bytes available for the topic. They do not depend on the job's prefix: a topic has one name in all its
 * files. Kafka's names have up to 249 bytes; a longer one is cut and made distinct by its checksum.
 */
export const TOPIC_BYTES_MAX =
  NAME_BYTES_MAX - 2 * AFFIX_BYTES_MAX - PARTITION_DIGITS_MAX - OFFSET_DIGITS - DASHES;

/**
 * URI of the folder of a bucket's part file. If the rule has entropy, `drawn` (letters and digits, of the
 * configured length) replaces every occurrence of the key in the path, also in the bucket's folder. Otherwise
 * `drawn` is ignored.
 */
export function folderUri(rule: NamingRule, bucket: string, drawn: string): string {
  const uri = bucketUri(rule, bucket);
  return rule.entropy === null ? uri : replaceInPath(uri, rule.entropy.key, drawn);
}

/** Whether `folder` belongs to the bucket under this rule, whatever was drawn for it. */
export function isFolderOf(rule: NamingRule, bucket: string, folder: string): boolean {
  const { entropy } = rule;
  const template = bucketUri(rule, bucket);
  const at = entropy === null ? -1 : template.indexOf(entropy.key, pathStartOf(template));
  if (entropy === null || at === -1) return folder === template;
  const drawn = folder.slice(at, at + entropy.length);
  const isDrawn = drawn.length === entropy.length && /^[0-9A-Za-z]+$/.test(drawn);
  return isDrawn && folder === folderUri(rule, bucket, drawn);
}

/** `.g` and a number larger than any log's generation. */
export const GENERATION_BYTES_MAX = 12;

/** `.r` and a number larger than any partition's repairs. */
export const REPAIR_BYTES_MAX = 12;

/**
 * `<folder>/<prefix>-<topic>-<partition>-<first offset, 20 digits><suffix>`. From the second generation of
 * the log, `.g<generation>` precedes the suffix, because the same offsets mean other records there. So does
 * `.r<repair>` for files opened in a repair: a lost file may have been given the name without it.
 */
export function finalUri(
  rule: NamingRule,
  folder: string,
  { topic, partition }: TopicPartition,
  firstOffset: bigint,
  generation = 1,
  repair = 0,
): string {
  const [ofGeneration, ofRepair] = [
    generation === 1 ? '' : `.g${generation}`,
    repair === 0 ? '' : `.r${repair}`,
  ];
  const topicBytesMax =
    TOPIC_BYTES_MAX -
    (ofGeneration === '' ? 0 : GENERATION_BYTES_MAX) -
    (ofRepair === '' ? 0 : REPAIR_BYTES_MAX);
  const offset = firstOffset.toString().padStart(OFFSET_DIGITS, '0');
  const name = `${rule.prefix}-${encodePathSegment(topic, topicBytesMax)}-${partition}-${offset}`;
  return `${folder}/${name}${ofGeneration}${ofRepair}${rule.suffix}`;
}

/** A hidden name in the folder of the final one. It is random, so that nobody else writes there. */
export function temporaryUri(folder: string, id: PartId): string {
  return `${folder}/.tidemark-${id}`;
}

/** Of the rows file beside a part file with this temporary name: hidden, and as random. */
export function rowsUri(temporary: string): string {
  const at = temporary.lastIndexOf('/') + 1;
  return `${temporary.slice(0, at)}.tidemark-rows-${temporary.slice(at).replace(/^\.tidemark-/, '')}`;
}

/** Temporary names of a part file, with those of the rows files beside them. */
export function withRowsFiles(format: string, temporaryUris: readonly string[]): readonly string[] {
  return hasRowsFile(format) ? temporaryUris.flatMap((uri) => [uri, rowsUri(uri)]) : temporaryUris;
}

/** The folder in which a part file was journaled, whatever the rule was then. */
export function folderOf(fileUri: string): string {
  return fileUri.slice(0, fileUri.lastIndexOf('/'));
}

/**
 * URI of the folder of the marker, which must be found again: the sink's folder without the entropy key, and
 * without the empty path segments that this leaves.
 */
export function markerFolderUri({ sinkUri, entropy }: Pick<NamingRule, 'sinkUri' | 'entropy'>): string {
  if (entropy === null) return sinkUri;
  const start = pathStartOf(sinkUri);
  const path = replaceInPath(sinkUri, entropy.key, '').slice(start);
  return sinkUri.slice(0, start) + path.replaceAll(/\/{2,}/g, '/').replace(/\/$/, '');
}

/** Below the marker's folder. No job can have this name. */
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

/** The path starts after the scheme and the authority (which includes the container's name). */
function pathStartOf(uri: string): number {
  const start = uri.indexOf('/', uri.indexOf('://') + '://'.length);
  return start === -1 ? uri.length : start;
}

function replaceInPath(uri: string, key: string, by: string): string {
  const start = pathStartOf(uri);
  return uri.slice(0, start) + uri.slice(start).replaceAll(key, () => by);
}
