/** What the settings of topics mean for a job: whether records may go before they are in a file. Pure. */
import { gravest, pass, someOf, warn, fail, type Finding } from '../../../../kernels/checks/check.ts';
import { bytesText, durationText } from '../../../../kernels/checks/sizes.ts';

/** Keys of a topic that are looked at. */
export const TOPIC_KEYS = [
  'cleanup.policy',
  'retention.ms',
  'retention.bytes',
  'min.insync.replicas',
  'unclean.leader.election.enable',
] as const;

export interface TopicSettings {
  readonly topic: string;
  /** By key, as Kafka writes them. Null: they may not be read. */
  readonly values: ReadonlyMap<string, string> | null;
  /** Least number of copies of its partitions; null if it is not known. */
  readonly replicas: number | null;
}

export interface JobTimes {
  readonly checkpointIntervalMs: number;
  /** Longest time from a record's arrival to its published file. Null: no limit. */
  readonly publishedWithinMs: number | null;
}

const DAY_MS = 86_400_000;
/** How long a restart with a takeover may last on a bad day. */
const RESTART_MS = 600_000;
const HELD_BACK = 'Let this client read the settings: DescribeConfigs on its topics.';

/**
 * A record is at risk from its arrival until a checkpoint holds it: for the checkpoint's interval, and for as
 * long as Tidemark or what it needs is away. From then on Kafka is only needed to repair or to audit.
 */
export function retentionFinding(
  topics: readonly TopicSettings[],
  { checkpointIntervalMs, publishedWithinMs }: JobTimes,
): Finding {
  const leastMs = 2 * checkpointIntervalMs + RESTART_MS;
  const wantedMs = Math.max(DAY_MS, (publishedWithinMs ?? 0) + checkpointIntervalMs);
  return byTopic(topics, (values) => {
    if (!policiesOf(values).includes('delete')) return pass('nothing is deleted by age or size');
    const ms = numberOf(values, 'retention.ms');
    const bytes = numberOf(values, 'retention.bytes');
    const found = `records are kept for ${ms === null ? 'ever' : durationText(ms)}`;
    return gravest([
      ms === null || ms >= wantedMs
        ? pass(found)
        : (ms < leastMs ? fail : warn)(
            found,
            `Raise retention.ms to ${durationText(wantedMs)} or more: what an outage lets expire is lost.`,
          ),
      ...(bytes === null
        ? []
        : [
            warn(
              `each partition keeps ${bytesText(bytes)}, however young they are`,
              'Raise retention.bytes, or set it to -1: a burst during an outage deletes what was not read.',
            ),
          ]),
    ]);
  });
}

export function compactionFinding(topics: readonly TopicSettings[]): Finding {
  return byTopic(topics, (values) =>
    policiesOf(values).includes('compact')
      ? warn(
          'the log is compacted: of two records with one key the older may go before it is read',
          'That is no error: such offsets are holes. For every record, set cleanup.policy to delete.',
        )
      : pass('the log is not compacted'),
  );
}

/** Whether a broker that fails takes acknowledged records with it: the log is truncated then. */
export function durabilityFinding(topics: readonly TopicSettings[]): Finding {
  return gravest([
    copiesFinding(topics),
    byTopic(topics, (values) => {
      const isUnclean = values.get('unclean.leader.election.enable') === 'true';
      return isUnclean
        ? warn(
            'a broker that lacks records may become leader (unclean.leader.election.enable)',
            'Set unclean.leader.election.enable to false: a truncated log stops its partitions.',
          )
        : pass('no broker becomes leader that lacks records');
    }),
  ]);
}

function copiesFinding(topics: readonly TopicSettings[]): Finding {
  const told = topics.filter(({ replicas }) => replicas !== null);
  const single = told.filter(({ replicas }) => replicas === 1).map(({ topic }) => topic);
  const lax = told.filter(
    ({ replicas, values }) =>
      (replicas ?? 0) > 1 && numberOf(values ?? new Map(), 'min.insync.replicas') === 1,
  );
  return gravest([
    single.length === 0
      ? pass('partitions have several copies')
      : warn(
          `${someOf(single)}: one copy of each partition`,
          'Use three replicas: a broker that is lost takes its records.',
        ),
    ...(lax.length === 0
      ? []
      : [
          warn(
            `${someOf(lax.map(({ topic }) => topic))}: one copy acknowledges (min.insync.replicas)`,
            'Set min.insync.replicas to 2, and acks=all at the producers.',
          ),
        ]),
  ]);
}

/** The findings of all topics; equal ones are told once, with their topics. */
function byTopic(
  topics: readonly TopicSettings[],
  look: (values: ReadonlyMap<string, string>) => Finding,
): Finding {
  const found = topics.map(({ topic, values }) => ({
    topic,
    finding: values === null ? warn('its settings may not be read', HELD_BACK) : look(values),
  }));
  const groups = Map.groupBy(found, ({ finding }) => JSON.stringify(finding));
  const findings = [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { finding } = first;
    return [{ ...finding, found: `${someOf(group.map(({ topic }) => topic))}: ${finding.found}` }];
  });
  return findings.length === 0 ? pass('no topics yet') : gravest(findings);
}

const policiesOf = (values: ReadonlyMap<string, string>): readonly string[] =>
  (values.get('cleanup.policy') ?? 'delete').split(',').map((policy) => policy.trim());

/** Null if the broker does not tell it, or if it is -1: no limit. */
function numberOf(values: ReadonlyMap<string, string>, key: string): number | null {
  const value = Number(values.get(key) ?? -1);
  return value < 0 || Number.isNaN(value) ? null : value;
}

/** Kafka's default, in force since 2.0. */
const OFFSETS_KEPT_MS_WANTED = 7 * DAY_MS;

/** @param minutes `offsets.retention.minutes` of the brokers. Null: they may not be read. */
export function groupRetentionFinding(minutes: number | null): Finding {
  if (minutes === null)
    return pass('not visible without DescribeConfigs on the cluster; 7 days are the default of Kafka');
  const ms = minutes * 60_000;
  const found = `offsets of a group without members are kept for ${durationText(ms)}`;
  return ms >= OFFSETS_KEPT_MS_WANTED
    ? pass(found)
    : warn(
        found,
        'Raise offsets.retention.minutes of the brokers to 10080: with them a witness of the journal goes.',
      );
}
