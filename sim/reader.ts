/** A reader who takes files away from the destination as soon as it may, or sooner. */
import type { Scheduler } from './scheduler.ts';
import type { TracedEntry } from './schedule.ts';
import type { SimStoreServer } from './simStores/port.ts';

export interface ReaderContext {
  readonly scheduler: Scheduler;
  readonly store: SimStoreServer;
  /** The current one, without lost entries. */
  readonly journal: readonly TracedEntry[];
  /** Changes with the journal, and with what is visible. */
  readonly version: () => number;
  /** It took something of the partition that the journal did not call committed. */
  readonly tookTooSoon: (partition: number) => void;
}

export interface Reading {
  readonly untilMs: number;
  readonly everyMs: number;
  /** It does not wait for the journal to call a file committed. */
  readonly isHasty: boolean;
}

/** Starts now; ends when its time is over. */
export function startReader(context: ReaderContext, reading: Reading): void {
  const { scheduler, store } = context;
  let seenVersion = -1;
  const look = (): void => {
    // Reading the journal takes time: only if something has changed.
    if (context.version() !== seenVersion) {
      seenVersion = context.version();
      const shown = [...store.committed().keys()];
      if (shown.length > 0) takeAll(context, shown, reading.isHasty);
    }
    if (scheduler.nowMs < reading.untilMs) scheduler.after(reading.everyMs, null, look);
  };
  look();
}

function takeAll(
  { store, journal, tookTooSoon }: ReaderContext,
  shown: readonly string[],
  isHasty: boolean,
): void {
  const known = readNames(journal);
  for (const uri of shown) {
    const part = known.get(uri);
    if (part?.isCommitted === true) store.take(uri);
    else if (isHasty && part !== undefined) {
      store.take(uri);
      tookTooSoon(part.partition);
    }
  }
}

interface Known {
  readonly partition: number;
  isCommitted: boolean;
}

/** The partition whose file has this final name; null if the journal knows none. */
export function partitionOf(journal: readonly TracedEntry[], finalUri: string): number | null {
  return readNames(journal).get(finalUri)?.partition ?? null;
}

/** What the journal says of each final name. */
function readNames(journal: readonly TracedEntry[]): ReadonlyMap<string, Known> {
  const byName = new Map<string, Known>();
  const byId = new Map<string, Known>();
  for (const { subject, text } of journal) {
    if (subject.includes('.request.')) continue;
    const { partition = -1, events = [] } = JSON.parse(text) as Entry;
    for (const { type, partId = '', finalUri = '' } of events) {
      const known = byId.get(partId) ?? { partition, isCommitted: false };
      if (type === 'partOpened') {
        byId.set(partId, known);
        byName.set(finalUri, known);
      }
      if (type === 'partCommitted') known.isCommitted = true;
    }
  }
  return byName;
}

interface Entry {
  readonly partition?: number;
  readonly events?: readonly {
    readonly type: string;
    readonly partId?: string;
    readonly finalUri?: string;
  }[];
}
