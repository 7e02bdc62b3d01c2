/** What a repair has to know of the time since its damaged files were opened: read from the whole journal. */
import type { PartFileContext } from '../../actors/partFile.ts';
import type { EventOf, JournalEvent } from '../../journal/events.ts';
import type { PartId } from '../../journal/ids.ts';
import { replay } from '../../journal/replay.ts';
import { jobSubject, partitionSubject } from '../../journal/subjects.ts';
import { placingOf } from '../job/placing.ts';
import type { Repairing } from './repair.ts';

type GivenUp = EventOf<'partitionRewound'>['givenUp'];

export interface RepairHistory {
  /** Offsets [from, to) that operators have given up, of the log as it is now. */
  readonly givenUp: GivenUp;
}

/** More of them make the entry of the rewind too large. */
const GIVEN_UP_MAX = 100;

/** Or why records that are read again may not go where they were. */
export async function readRepairHistory(
  { context, task }: Pick<Repairing, 'context' | 'task'>,
  damaged: readonly PartFileContext[],
): Promise<RepairHistory | string> {
  const { ports, settings } = context;
  const ids = new Set(damaged.map(({ partId }) => partId));
  const history = new History(ids, placingOf(settings.effectiveConfig));
  for await (const { entry } of replay(ports.journal, partitionSubject(settings.job, task.partition)))
    for (const event of entry.events) history.take(event);
  const { placedBy, givenUp } = history;
  const isOther =
    placedBy === 'others' || (placedBy === 'unknown' && !(await hasAlwaysPlacedSo({ context })));
  if (isOther)
    return (
      'The job had other folders or another content since the damaged files were opened: where their ' +
      'records were is not known. Set them back to what they were, restart, then ask again; if several ' +
      'were used since then, restore the files.'
    );
  if (givenUp.length > GIVEN_UP_MAX)
    return `More than ${GIVEN_UP_MAX} ranges of offsets were given up there: restore the files.`;
  return { givenUp };
}

class History {
  readonly #damaged: ReadonlySet<PartId>;
  readonly #placing: string;
  #hasBegun = false;
  #claimed: string | undefined;
  /** Of the owners whose checkpoints count records since the first damaged file was opened. */
  readonly #placings = new Set<string | undefined>();
  #givenUp: GivenUp = [];

  constructor(damaged: ReadonlySet<PartId>, placing: string) {
    this.#damaged = damaged;
    this.#placing = placing;
  }

  take(event: JournalEvent): void {
    switch (event.type) {
      case 'epochClaimed':
        this.#claimed = event.placing;
        return;
      case 'partOpened':
        if (this.#damaged.has(event.partId)) this.#hasBegun = true;
        return;
      case 'checkpointCompleted':
        // An owner that has read nothing, as of a stopped partition, has placed nothing.
        if (this.#hasBegun && event.recordsRead > 0) this.#placings.add(this.#claimed);
        return;
      case 'lossAccepted':
        this.#gaveUp(event);
        return;
      case 'witnessAnswered':
        if (event.loss !== null) this.#gaveUp(event.loss);
        return;
      case 'logTruncationAccepted':
        this.#replaced(event.divergedAt);
        return;
      default:
        return;
    }
  }

  #gaveUp({ fromOffset, toOffset }: GivenUp[number]): void {
    this.#givenUp.push({ fromOffset, toOffset });
  }

  /** What was given up there is read again, in the new log. */
  #replaced(divergedAt: bigint): void {
    this.#givenUp = this.#givenUp
      .filter(({ fromOffset }) => fromOffset < divergedAt)
      .map(({ fromOffset, toOffset }) => ({
        fromOffset,
        toOffset: toOffset < divergedAt ? toOffset : divergedAt,
      }));
  }

  get givenUp(): GivenUp {
    return this.#givenUp;
  }

  /** `unknown`: an owner of an earlier version did not journal it. */
  get placedBy(): 'thisJob' | 'others' | 'unknown' {
    const others = [...this.#placings].filter((placing) => placing !== this.#placing);
    if (others.length === 0) return 'thisJob';
    return others.some((placing) => placing !== undefined) ? 'others' : 'unknown';
  }
}

/** By what each start of the job has journaled. */
async function hasAlwaysPlacedSo({ context }: Pick<Repairing, 'context'>): Promise<boolean> {
  const { ports, settings } = context;
  const placing = placingOf(settings.effectiveConfig);
  for await (const { entry } of replay(ports.journal, jobSubject(settings.job)))
    for (const event of entry.events)
      if (event.type === 'jobStarted' && placingOf(event.config) !== placing) return false;
  return true;
}
