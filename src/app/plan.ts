/** `tidemark plan`: opens what it looks at, and bounds how long that may take. */
import { JournalFailure } from '../../journal/failure.ts';
import type { Journal } from '../../journal/port.ts';
import { rollingPolicy } from '../../actors/rolling/policy.ts';
import type { UnitWords } from '../../actors/rolling/rule.ts';
import type { JobConfig } from '../config/jobConfig.ts';
import { planJob, type PlanProgress, type PlanRule } from '../plan/planJob.ts';
import type { PlanReport } from '../plan/planReport.ts';
import { SourceFailure } from '../sources/failure.ts';
import { orLate } from '../system/bounded.ts';
import { noFailpoints } from '../system/failpoints.ts';
import { formatBytes, formatDuration, formatNoun } from '../telemetry/format.ts';
import type { Log } from '../telemetry/log.ts';
import { Clients } from './clients.ts';
import { systemPorts, type Composition } from './compose.ts';
import { contentOf } from './content.ts';
import { ceilingOf } from './jobMemory.ts';
import { bucketRuleOf, formatKindOf, kindOf } from './registeredKinds.ts';

/** How much earlier than the limit a client gives up by itself. */
const OWN_ERROR_MS = 500;

export interface PlanOptions {
  /** Offsets before the end of each partition at which its sample begins. */
  readonly sampleOffsets: number;
  /** How long everything may take. */
  readonly timeoutMs: number;
  readonly log: Log;
  /** May be called at any rate. */
  readonly onProgress: (progress: PlanProgress) => void;
}

/** Rejects as `planJob` does, and with SOURCE_UNAVAILABLE when the time is over. */
export async function plan(
  composition: Composition,
  config: JobConfig,
  { sampleOffsets, timeoutMs, log, onProgress }: PlanOptions,
): Promise<PlanReport> {
  const { clock } = systemPorts;
  const over = new AbortController();
  let done: PlanProgress | null = null;
  const timer = clock.timer(timeoutMs, () => over.abort(notInTime(timeoutMs, done)));
  const clients = new Clients();
  const source = clients.addSource(await composition.source(config, { log, choices: { untilEnd: false } }));
  // The journal and the destination may each be away; the source has the rest of the time.
  const eachMs = timeoutMs / 2;
  const openJournal = (): Promise<Journal> => {
    // So that the client's own error, which has the reason, is reported.
    const waitForServerMs = Math.max(1, eachMs - OWN_ERROR_MS);
    const opening = composition.journal(config, { access: 'read', log, waitForServerMs });
    const message = `The journal did not answer within ${formatDuration(eachMs)}.`;
    return orLate(clock, eachMs, opening, () => new JournalFailure('unavailable', message));
  };
  try {
    return await planJob(ruleOf(composition, config, sampleOffsets), {
      ...{ source, clock, log, openJournal, signal: over.signal, storeMs: eachMs },
      openStore: () => composition.store(config, noFailpoints, log),
      onProgress: (progress) => {
        done = progress;
        onProgress(progress);
      },
    });
  } finally {
    timer.cancel();
    await clients.close();
  }
}

function notInTime(timeoutMs: number, done: PlanProgress | null): SourceFailure {
  const read = done === null ? '' : `; ${done.partitionsDone} of ${done.partitions} partitions were read`;
  return new SourceFailure(
    'unavailable',
    `The plan was not ready within ${formatDuration(timeoutMs)}${read}. Look what is away ` +
      '(tidemark status), or give it more time with --timeout.',
  );
}

function ruleOf(composition: Composition, config: JobConfig, sampleOffsets: number): PlanRule {
  const { kinds } = composition;
  const { source, sink, bucket, roll, journal, memoryBytes } = config;
  const { place, details } = kindOf(kinds.journals, journal).describe(journal);
  const { naming, assigner, format, startFrom } = composition.settings(config, {
    untilEnd: false,
    moves: [],
  });
  const rules = kinds.rollRules.map((rule) => ({ rule, limit: roll[rule.configKey] ?? Infinity }));
  const { full } = rollingPolicy(rules);
  const formatKind = formatKindOf(kinds, sink);
  const storeBytes = kindOf(kinds.stores, sink).memoryBytes(sink);
  // Measured now, before anything is read, as a run does.
  const takenBytes = process.memoryUsage.rss() + storeBytes;
  const wanted = { ceilingBytes: memoryBytes, formatBytes: formatKind.memoryBytes, storeBytes };
  return {
    config,
    settings: { naming, assigner, format, startFrom },
    limits: {
      ...{ bytes: full.bytes, records: full.records },
      ageMs: roll['maxAgeMs'] ?? Infinity,
      idleMs: roll['maxIdleMs'] ?? Infinity,
    },
    memory: {
      ceilingBytes: ceilingOf(wanted, takenBytes),
      isSet: memoryBytes !== null,
      takenBytes,
      rowGroupBytes: formatKind.rowGroupBytes?.(contentOf(config)) ?? null,
      filesMax: composition.openFilesMax(config),
    },
    texts: {
      source: kindOf(kinds.sources, source).describe(source),
      bucket: bucketRuleOf(kinds, bucket).describe(bucket),
      roll: rules.flatMap(({ rule, limit }) =>
        limit === Infinity ? [] : [rule.describe(limit, UNIT_WORDS)],
      ),
    },
    journal: { kind: journal.type, location: details === '' ? place : `${place} ${details}` },
    sampleOffsets,
  };
}

const UNIT_WORDS: UnitWords = { bytes: formatBytes, milliseconds: formatDuration, count: formatNoun };
