/**
 * The steps before a coordinator joins: describes the source, checks who else reads it, checks the marker,
 * journals this start. A service waits for what is unavailable; a bounded run gives up after
 * `startup.timeout`.
 */
import type { StopFacts } from '../../actors/facts.ts';
import { isSourceFailure } from '../sources/failure.ts';
import { partitionName } from '../../journal/ids.ts';
import { Patience } from '../telemetry/patience.ts';
import type { OffsetRange, SourceFacts } from '../sources/port.ts';
import { checkJob, startJob, type JobFacts, type StartedJob } from '../job/jobLife.ts';
import { checkMarker, makeMarker } from '../job/marker.ts';
import type { Context } from '../job/context.ts';
import { checkOthers } from './otherMasters.ts';
import { stopFactsOf } from '../partition/stopFacts.ts';

export interface Beginning {
  readonly source: SourceFacts;
  readonly facts: JobFacts;
  /** Topics that are left out for now, and why. */
  readonly left: StartedJob['left'];
  /** For a bounded run, by topic: how far it reads. */
  readonly ranges: ReadonlyMap<string, readonly OffsetRange[]>;
  /** For a bounded run, by name: partitions whose end is unknown. They are not read. */
  readonly unreadable: ReadonlyMap<string, StopFacts>;
}

export function startPatience({ ports, settings, health }: Context, signal: AbortSignal): Patience {
  const { clock, log } = ports;
  const limitMs = settings.untilEnd ? settings.startupMs : null;
  return new Patience({ clock, log, conditions: health.conditions, signal, limitMs });
}

export async function beginJob(
  context: Context,
  signal: AbortSignal,
  patience: Patience,
): Promise<Beginning> {
  const { ports, settings } = context;
  const ofSource = { what: 'the source', code: 'SOURCE_UNAVAILABLE' } as const;
  const ofSink = { what: `the destination ${settings.naming.sinkUri}`, code: 'STORE_UNAVAILABLE' } as const;
  const ofJournal = { what: 'the journal', code: 'JOURNAL_UNAVAILABLE' } as const;
  const source = await patience.until({ ...ofSource, work: () => describe(context, signal) });
  await patience.until({ ...ofJournal, work: () => checkJob(context, source) });
  await patience.until({ ...ofSource, work: () => checkOthers(context, source) });
  await patience.until({ ...ofSink, work: () => checkMarker(context) });
  const { facts, left } = await patience.until({
    ...ofJournal,
    work: () => startJob(context, source, signal),
  });
  await patience.until({ ...ofSink, work: () => makeMarker(context) });
  const ranges = new Map<string, readonly OffsetRange[]>();
  const unreadable = new Map<string, StopFacts>();
  if (settings.untilEnd) {
    for (const { topic } of source.topics.filter((each) => !left.has(each.topic))) {
      try {
        ranges.set(topic, await patience.until({ ...ofSource, work: () => ports.source.ranges(topic) }));
      } catch (error) {
        if (!isSourceFailure(error, 'unreadable')) throw error;
        ports.log.error({ topic, err: error }, `${error.message} It is left out of this run.`);
        unreadable.set(partitionName({ topic, partition: 0 }), stopFactsOf(error));
      }
    }
  }
  return { source, facts, left, ranges, unreadable };
}

function describe({ ports, settings }: Context, signal: AbortSignal): Promise<SourceFacts> {
  const onWaiting = (message: string): void => {
    ports.log.warn({}, message);
  };
  return ports.source.describe({ wait: !settings.untilEnd, onWaiting, signal });
}
