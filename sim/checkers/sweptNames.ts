/**
 * Whose a temporary name is, as an outsider reads it in the journal. Deliberately independent of the command
 * that removes it.
 */
import type { Removed } from '../simStores/port.ts';
import type { TracedEntry } from '../schedule.ts';
import type { Swept } from '../sweeping.ts';

interface Named {
  readonly partition: number;
  readonly finalUri: string;
  readonly names: Set<string>;
  hasEnded: boolean;
}

type RawEvent = { readonly type: string } & Readonly<Record<string, unknown>>;

const ENDS_A_STOP = [
  ...['resumeRequested', 'lossAccepted', 'logTruncationAccepted', 'witnessAnswered', 'partitionRewound'],
  'partitionRetired',
];

/** A stop that is journaled after the command began is none to it: it has read the journal before. */
export function partOf(
  entries: readonly TracedEntry[],
  { uri, upload }: Removed,
  begunAtMs: number,
): Swept['part'] {
  const wanted = upload?.temporaryUri ?? originalName(uri);
  const parts = new Map<string, Named>();
  const stopped = new Set<number>();
  for (const { subject, text, atMs } of entries) {
    if (subject.includes('.request.')) continue;
    const { partition = -1, events = [] } = JSON.parse(text) as {
      partition?: number;
      events?: readonly RawEvent[];
    };
    for (const event of events) {
      take(parts, event, partition);
      if (event.type === 'partitionStopped' && atMs <= begunAtMs) stopped.add(partition);
      if (ENDS_A_STOP.includes(event.type)) stopped.delete(partition);
    }
  }
  const part = partNamed(parts, wanted) ?? (upload === null ? undefined : partOfFinal(parts, uri));
  if (part === undefined) return null;
  const { partition, finalUri, hasEnded } = part;
  return { partition, finalUri, hasEnded, isStopped: stopped.has(partition) };
}

const partNamed = (parts: ReadonlyMap<string, Named>, name: string): Named | undefined =>
  [...parts.values()].find(({ names }) => names.has(name));

/** The journal may have lost the part file that began an upload: whoever has its final name decides. */
function partOfFinal(parts: ReadonlyMap<string, Named>, uri: string): Named | undefined {
  const own = [...parts.values()].filter(({ finalUri }) => finalUri === uri);
  return own.find(({ hasEnded }) => !hasEnded) ?? own.at(-1);
}

function take(parts: Map<string, Named>, event: RawEvent, partition: number): void {
  const id = String(event['partId']);
  switch (event.type) {
    case 'partOpened': {
      const names = new Set([String(event['temporaryUri'])]);
      parts.set(id, { partition, finalUri: String(event['finalUri']), names, hasEnded: false });
      return;
    }
    case 'partMoved':
      parts.get(id)?.names.add(String(event['toUri']));
      return;
    case 'partCommitted':
    case 'partDiscarded': {
      const part = parts.get(id);
      if (part !== undefined) part.hasEnded = true;
      return;
    }
    default:
  }
}

/** Without what a store, or the rows beside a file, add to it. */
function originalName(uri: string): string {
  const name = uri.replace('/.tidemark-rows-', '/.tidemark-').replace(/\.(?:p|\d+|end-[0-9a-f]+)$/, '');
  return name.replace(/-kept-[0-9a-f]{32}$/, '');
}
