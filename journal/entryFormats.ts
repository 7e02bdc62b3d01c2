/**
 * The formats of entries: which one an entry has, and how those of earlier formats become the current shape.
 * Stored bytes never change; hashes cover the stored bytes.
 */
import type { JournalEvent } from './events.ts';

/** The newest format, which entries are read as. */
export const ENTRY_VERSION = 5;
/** The format of most entries. Earlier versions read them, so that one can go back to such a version. */
export const FORMAT_OF_MOST = 2;

/**
 * The lowest format that has everything these events use; readers must know it. Format 3 has formats of part
 * files other than text, and bad records. Format 4 has files with rows files beside them: who does not know
 * those would publish a file without its last rows. Format 5 has rewinds: who does not know them would go on
 * with files that are given up.
 */
export function formatOfEvents(events: readonly JournalEvent[]): number {
  return events.reduce((format, event) => Math.max(format, formatOfEvent(event)), FORMAT_OF_MOST);
}

/**
 * Formats of part files that hold rows, and have a rows file beside them while in progress
 * (src/formats/rows.ts).
 */
export function hasRowsFile(format: string): boolean {
  return format.startsWith('parquet-');
}

function formatOfEvent(event: JournalEvent): number {
  switch (event.type) {
    case 'partOpened':
      if (event.format === 'text') return FORMAT_OF_MOST;
      return hasRowsFile(event.format) ? 4 : 3;
    case 'partsDamaged':
    case 'partitionRewound':
      return 5;
    case 'checkpointCompleted':
      if (event.recordsAlreadyHeld !== undefined) return 5;
      return event.recordsBad !== undefined || event.recordsSkipped.bad !== undefined ? 3 : FORMAT_OF_MOST;
    default:
      return FORMAT_OF_MOST;
  }
}

type Shape = Record<string, unknown>;

/** By the format that they read; each returns the shape of the next format. */
const UPCASTERS: Readonly<Record<number, (entry: Shape) => Shape>> = {
  1: fromFormat1,
  // What format 3 adds is absent.
  2: (entry) => ({ ...entry, v: 3 }),
  // A format of part files is a text of any kind already.
  3: (entry) => ({ ...entry, v: 4 }),
  // Rewinds are absent.
  4: (entry) => ({ ...entry, v: 5 }),
};

/** The entry in the current format, if there is an upcaster; anything else is returned unchanged. */
export function upcastEntry(raw: unknown): unknown {
  if (typeof raw !== 'object' || raw === null) return raw;
  let entry = raw as Shape;
  for (;;) {
    const upcast = typeof entry['v'] === 'number' ? UPCASTERS[entry['v']] : undefined;
    if (upcast === undefined) return entry;
    entry = upcast(entry);
  }
}

/**
 * Format 1 is that of 0.1.0: no leader epochs, one generation of each log, no configuration in the journal.
 */
function fromFormat1(entry: Shape): Shape {
  const events: unknown = entry['events'];
  return {
    ...entry,
    v: 2,
    minReader: 1,
    events: Array.isArray(events) ? events.map(eventFromFormat1) : events,
  };
}

function eventFromFormat1(event: unknown): unknown {
  if (typeof event !== 'object' || event === null) return event;
  switch ((event as Shape)['type']) {
    case 'jobStarted':
      return { ...event, sinkUri: null, config: null, moved: [] };
    case 'partOpened':
      return { ...event, generation: 1 };
    case 'checkpointCompleted':
      return { ...event, leaderEpoch: null, leaderEpochStart: null };
    case 'partitionStopped':
      return { ...event, truncation: null };
    default:
      return event;
  }
}
