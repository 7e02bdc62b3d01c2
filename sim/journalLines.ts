/** The journal around a violation, one entry per line. */
import type { TracedEntry, Violation } from './schedule.ts';

const LINES = 10;
/** Enough to distinguish ids. */
const ID_CHARS = 6;

interface RawEntry {
  readonly partition: number;
  readonly epoch: number;
  readonly seq: number;
  readonly events: readonly RawEvent[];
}
/** An operator's request has its own subject and is not an entry. */
type Raw = RawEntry | { readonly events?: undefined };
type RawEvent = { readonly type: string } & Readonly<Record<string, unknown>>;

/** The last entries of the partition up to the last one that names a file concerned, and the one after it. */
export function journalLines(entries: readonly TracedEntry[], concerned: Violation): string[] {
  const partition = concerned.partition ?? partitionOfFiles(entries, concerned.files) ?? 0;
  const own = read(entries).filter(({ entry }) => entry.partition === partition);
  const ids = new Set(own.flatMap(({ entry }) => partIdsOf(entry, concerned.files)));
  const last = own.findLastIndex(({ text }) => [...ids].some((id) => text.includes(`"partId":"${id}"`)));
  const end = last < 0 ? own.length : Math.min(own.length, last + 2);
  return own.slice(Math.max(0, end - LINES), end).map(({ atMs, entry }) => entryLine(atMs, entry));
}

function partitionOfFiles(entries: readonly TracedEntry[], files: readonly string[]): number | null {
  for (const { entry } of read(entries)) if (partIdsOf(entry, files).length > 0) return entry.partition;
  return null;
}

interface ReadEntry {
  readonly atMs: number;
  readonly text: string;
  readonly entry: RawEntry;
}

function read(entries: readonly TracedEntry[]): ReadEntry[] {
  return entries.flatMap(({ subject, text, atMs }) => {
    if (subject.includes('.request.')) return [];
    const entry = JSON.parse(text) as Raw;
    return entry.events === undefined ? [] : [{ atMs, text, entry }];
  });
}

/** Ids of the part files to which an entry gives one of the names. */
function partIdsOf({ events }: RawEntry, files: readonly string[]): string[] {
  return events.flatMap((event) =>
    [event['finalUri'], event['temporaryUri'], event['toUri']].some((uri) => files.includes(String(uri)))
      ? [String(event['partId'])]
      : [],
  );
}

function entryLine(atMs: number, { partition, seq, epoch, events }: RawEntry): string {
  return `${atMs} ms  partition ${partition} seq ${seq} epoch ${epoch}: ${events.map(eventWords).join('; ')}`;
}

function eventWords(event: RawEvent): string {
  const part = (): string => shortId(event['partId']);
  switch (event.type) {
    case 'epochClaimed':
      return `epochClaimed ${shortId(event['claimId'])}`;
    case 'partOpened':
      return `partOpened ${part()} from ${text(event['firstOffset'])} as ${nameOf(event['finalUri'])}`;
    case 'partMoved':
      return `partMoved ${part()} to ${nameOf(event['toUri'])}`;
    case 'checkpointPart':
    case 'checkpointCompleted': {
      const offset = event['nextOffset'] === undefined ? '' : ` nextOffset ${text(event['nextOffset'])}`;
      const parts = (event['parts'] as readonly RawEvent[]).map(changeWords);
      return [`${event.type} ${text(event['checkpoint'])}${offset}`, ...parts].join(', ');
    }
    case 'partCommitted':
    case 'partDiscarded':
      return `${event.type} ${part()}`;
    case 'partitionStopped':
      return `partitionStopped ${text(event['code'])}`;
    default:
      return event.type;
  }
}

function changeWords(change: RawEvent): string {
  const range = `${text(change['firstOffset'])} to ${text(change['lastOffset'])}`;
  const size = `${text(change['length'])} B with ${text(change['records'])} records`;
  return `${shortId(change['partId'])} ${text(change['state'])} ${size} (${range})`;
}

function shortId(id: unknown): string {
  return text(id).slice(0, ID_CHARS);
}

function nameOf(uri: unknown): string {
  const name = text(uri);
  return name.slice(name.lastIndexOf('/') + 1);
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '-';
}
