/** The settings that a schedule's configuration means for the coordinator, and how long the world may take to be complete. */
import { noBuckets, timeBuckets, type BucketAssigner } from '../../actors/bucketAssigner.ts';
import { parseBucketPattern } from '../../actors/bucketPattern.ts';
import type { NamingRule } from '../../actors/naming.ts';
import { checkpointRollingPolicy, defaultRollingPolicy } from '../../actors/rollingPolicy.ts';
import { TidemarkError } from '../../journal/errors.ts';
import { jobName } from '../../journal/ids.ts';
import type { JobSettings } from '../coordinator/options.ts';
import type { Harm } from './faults/kind.ts';
import type { WorldConfig } from './schedule.ts';

const JOB = jobName('world');
const SINK_URI = 'file:///lake';
const ENTROPY = { key: '_entropy_', length: 4 };

/** Longest backoff of a partition between two epochs, and of a publisher between two attempts. */
const BACKOFF_LONGEST_MS = 10_000;
/** What looks lost for good is looked at for so long before it is told. */
const STABLE_MS = 35_000;
/** Calls in a row that a recovery is granted. */
const CALLS_MAX = 400;

export function jobSettings(config: WorldConfig): JobSettings {
  const { roll } = config;
  return {
    job: JOB,
    fingerprint: 'world',
    effectiveConfig: null,
    version: '0.0.0',
    naming: namingOf(config),
    assigner: assignerOf(config.buckets),
    rolling: roll.atCheckpoint ? checkpointRollingPolicy(roll) : defaultRollingPolicy(roll),
    checkpointIntervalMs: config.checkpointIntervalMs,
    snapshots: { everyEntries: config.snapshotEntries, everyMs: 1_000, entriesMin: config.snapshotEntries },
    startFrom: { type: 'earliest' },
    untilEnd: false,
    startupMs: 60_000,
    shutdownMs: 9_000,
  };
}

function namingOf({ entropy }: WorldConfig): NamingRule {
  const affixes = { prefix: 'part', suffix: '' };
  return entropy
    ? { sinkUri: `${SINK_URI}/${ENTROPY.key}`, ...affixes, entropy: ENTROPY }
    : { sinkUri: SINK_URI, ...affixes, entropy: null };
}

function assignerOf(buckets: WorldConfig['buckets']): BucketAssigner {
  if (buckets.by === 'none') return noBuckets();
  const parsed = parseBucketPattern(buckets.pattern);
  if (parsed.type === 'parsed') return timeBuckets(buckets.by, parsed.pattern, buckets.timezone);
  throw new TidemarkError('CONFIG_INVALID', `"${buckets.pattern}" is no bucket pattern: ${parsed.reason}`);
}

/**
 * Within this time after the faults and the workload have ended everything is committed (P5): sessions run out, everybody joins,
 * backoffs end, partitions are claimed and settled, what is left is read, rolled, persisted and published.
 */
export function livenessBoundMs(config: WorldConfig, harms: readonly Harm[] = []): number {
  const { sessionMs, heartbeatMs, timeoutMs, latencyMsMax, checkpointIntervalMs, roll } = config;
  const rollMs = Math.min(roll.maxAgeMs, roll.maxIdleMs);
  const membershipMs = 2 * (sessionMs + heartbeatMs);
  return (
    (harms.length > 0 ? STABLE_MS : 0) +
    membershipMs +
    4 * BACKOFF_LONGEST_MS +
    rollMs +
    3 * (checkpointIntervalMs + timeoutMs) +
    CALLS_MAX * latencyMsMax
  );
}
