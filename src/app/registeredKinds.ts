/**
 * The kinds of everything that has more than one. A new kind is a folder with an object of its interface
 * (`kind.ts` or `rule.ts`), and a line here: configuration, composition, status and validation use these
 * lists.
 */
import { NO_BUCKETS } from '../../actors/buckets/none/rule.ts';
import type { BucketConfig, BucketRule } from '../../actors/buckets/rule.ts';
import { FIELD_BUCKETS, RECORD_TIME_BUCKETS, WALL_CLOCK_BUCKETS } from '../../actors/buckets/pattern/rule.ts';
import { AGE_RULE } from '../../actors/rolling/age/rule.ts';
import { IDLE_RULE } from '../../actors/rolling/idle/rule.ts';
import { RECORDS_RULE } from '../../actors/rolling/records/rule.ts';
import type { RollRule } from '../../actors/rolling/rule.ts';
import { SIZE_RULE } from '../../actors/rolling/size/rule.ts';
import { NATS_JOURNAL } from '../../journal/jetstream/kind.ts';
import type { JournalKind } from '../../journal/kind.ts';
import { SQLITE_JOURNAL } from '../../journal/sqlite/kind.ts';
import type { FormatKind } from '../formats/kind.ts';
import { JSON_FORMAT } from '../formats/json/kind.ts';
import { PARQUET_FORMAT } from '../formats/parquet/kind.ts';
import { TEXT_FORMAT } from '../formats/text/kind.ts';
import { FILE_SOURCE } from '../sources/files/kind.ts';
import { KAFKA_SOURCE } from '../sources/kafka/kind.ts';
import type { SourceKind } from '../sources/kind.ts';
import type { StoreKind } from '../stores/kind.ts';
import { LOCAL_STORE } from '../stores/local/kind.ts';
import { OSS_STORE } from '../stores/oss/kind.ts';
import { OSS_HDFS_STORE } from '../stores/ossHdfs/kind.ts';

export interface JobKinds {
  readonly sources: readonly SourceKind[];
  /** A path belongs to the first that accepts it. */
  readonly stores: readonly StoreKind[];
  readonly journals: readonly JournalKind[];
  /** The first is the default of a job that names none; the same holds for formats. */
  readonly bucketRules: readonly BucketRule[];
  readonly formats: readonly FormatKind[];
  readonly rollRules: readonly RollRule[];
}

/** Key of the default journal. */
export const DEFAULT_JOURNAL = 'sqlite';

export const JOB_KINDS: JobKinds = {
  sources: [KAFKA_SOURCE, FILE_SOURCE],
  stores: [OSS_STORE, OSS_HDFS_STORE, LOCAL_STORE],
  journals: [NATS_JOURNAL, SQLITE_JOURNAL],
  bucketRules: [RECORD_TIME_BUCKETS, WALL_CLOCK_BUCKETS, FIELD_BUCKETS, NO_BUCKETS],
  formats: [TEXT_FORMAT, JSON_FORMAT, PARQUET_FORMAT],
  rollRules: [SIZE_RULE, RECORDS_RULE, AGE_RULE, IDLE_RULE],
};

/** The kind that a configuration's `type` names. */
export function kindOf<Kind extends { readonly name: string }>(
  kinds: readonly Kind[],
  { type }: { readonly type: string },
): Kind {
  const kind = kinds.find(({ name }) => name === type);
  if (kind === undefined) throw new TypeError(`There is no kind "${type}".`);
  return kind;
}

export const formatKindOf = (kinds: JobKinds, { format }: { readonly format: string }): FormatKind =>
  kindOf(kinds.formats, { type: format });

export const bucketRuleOf = (kinds: JobKinds, { by }: BucketConfig): BucketRule =>
  kindOf(kinds.bucketRules, { type: by });
