/**
 * Upcasters: convert entries of earlier formats to the current shape. Stored bytes never change; hashes cover
 * the stored bytes.
 */

type Shape = Record<string, unknown>;

/** By the format that they read; each returns the shape of the next format. */
const UPCASTERS: Readonly<Record<number, (entry: Shape) => Shape>> = {
  1: fromFormat1,
  // What format 3 adds is absent.
  2: (entry) => ({ ...entry, v: 3 }),
  // A format of part files is a text of any kind already.
  3: (entry) => ({ ...entry, v: 4 }),
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
