/** The coordinator settings of a schedule's configuration, and how long the world may take to complete. */
import type { NamingRule } from '../../actors/naming.ts';
import { checkpointRollingPolicy, defaultRollingPolicy } from '../../actors/rolling/policy.ts';
import { jobName } from '../../journal/ids.ts';
import type { JobSettings } from '../../src/job/context.ts';
import { WorldBuckets } from './buckets.ts';
import { contentOf, partFormatOf } from './content.ts';
import type { Harm } from '../faults/kind.ts';
import { lifeConfig, NO_CHANGE, type LifeConfig } from './change.ts';
import { PLAIN_RECORDS } from './records.ts';
import type { Schedule } from '../schedule.ts';

export const JOB = jobName('world');
/** How long the fault `asleep` lasts: a session and its aftermath. */
export const ASLEEP_MS = 4_000;
const ENTROPY_KEY = '_entropy_';

/** Longest backoff of a partition between two epochs, and of a publisher between two attempts. */
const BACKOFF_LONGEST_MS = 10_000;
/** How long an apparent permanent loss is observed before it is reported. */
const STABLE_MS = 35_000;
/** Maximum consecutive calls of a recovery. */
const CALLS_MAX = 400;

export function jobSettings(config: LifeConfig): JobSettings {
  const { roll } = config;
  const naming = namingOf(config);
  return {
    job: JOB,
    fingerprint: 'world',
    effectiveConfig: {
      sink: {
        ...{ uri: naming.sinkUri, prefix: naming.prefix, suffix: naming.suffix },
        format: contentOf(config).lines,
      },
      bucket: { ...config.buckets },
    },
    version: '0.0.0',
    naming,
    assigner: (partition) => new WorldBuckets(config.buckets, partition),
    format: partFormatOf(config),
    bad: { to: (config.records ?? PLAIN_RECORDS).bad, stopAfter: 1_000 },
    rolling: roll.atCheckpoint ? checkpointRollingPolicy(roll) : defaultRollingPolicy(roll),
    checkpointIntervalMs: config.checkpointIntervalMs,
    snapshots: { everyEntries: config.snapshotEntries, everyMs: 1_000, entriesMin: config.snapshotEntries },
    startFrom: { type: 'earliest' },
    untilEnd: false,
    startupMs: 60_000,
    shutdownMs: 9_000,
  };
}

export function namingOf({ entropy, entropyLength, folder, prefix, suffix }: LifeConfig): NamingRule {
  const sinkUri = `file:///${folder}`;
  return entropy
    ? {
        ...{ sinkUri: `${sinkUri}/${ENTROPY_KEY}`, prefix, suffix },
        entropy: { key: ENTROPY_KEY, length: entropyLength },
      }
    : { sinkUri, prefix, suffix, entropy: null };
}

/**
 * Within this time after the faults and the workload have ended, everything is committed (P5): sessions
 * expire, all members join, backoffs end, partitions are claimed and taken over, and the rest is read,
 * rolled, persisted and published.
 */
export function livenessBoundMs({ config, faults }: Schedule, harms: readonly Harm[] = []): number {
  const { sessionMs, heartbeatMs, timeoutMs, latencyMsMax } = config;
  // For any of the configurations in use at the end.
  const changes = faults.flatMap((fault) => (fault.type === 'reconfigure' ? [fault.change] : []));
  const lives = [NO_CHANGE, ...changes].map((change) => lifeConfig(config, change));
  const rollMs = Math.max(...lives.map(({ roll }) => Math.min(roll.maxAgeMs, roll.maxIdleMs)));
  const checkpointIntervalMs = Math.max(...lives.map((life) => life.checkpointIntervalMs));
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
