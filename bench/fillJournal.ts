/** Builds long journals quickly, without a writer that appends entry by entry. */
import { hash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { Subject } from '../journal/ids.ts';
import { openJetstreamJournal } from '../journal/jetstream/journal.ts';
import type { Journal } from '../journal/port.ts';
import { openSqliteJournal } from '../journal/sqlite/journal.ts';

const ENTRIES_IN_FLIGHT = 512;

export type JournalKind = 'sqlite' | 'jetstream';

/** Where the journal of a bench is: a file, or a stream on a server. */
export interface JournalPlace {
  readonly kind: JournalKind;
  readonly path: string;
  readonly natsUrl: string;
  readonly stream: string;
}

export function openJournal(place: JournalPlace, mode: 'create' | 'existing'): Promise<Journal> {
  if (place.kind === 'sqlite')
    return openSqliteJournal({ path: place.path, access: 'own', createIfMissing: mode === 'create' });
  return openJetstreamJournal({
    servers: [place.natsUrl],
    stream: place.stream,
    replicas: 1,
    mode,
    onWarning: () => undefined,
    // Hundreds of entries queue for their sync.
    requestTimeoutMs: 120_000,
  });
}

/** Creates the journal and fills each subject. Returns the bytes of its entries. */
export async function makeJournal(
  place: JournalPlace,
  subjects: ReadonlyMap<Subject, Iterable<Uint8Array>>,
): Promise<number> {
  const journal = await openJournal(place, 'create');
  let bytes = 0;
  try {
    if (place.kind === 'jetstream') {
      for (const [subject, entries] of subjects) bytes += await publish(journal, subject, entries);
    }
  } finally {
    await journal.close();
  }
  if (place.kind === 'sqlite') bytes = insert(place.path, subjects);
  return bytes;
}

/** One transaction for all entries: a transaction each would take minutes for a million of them. */
function insert(path: string, subjects: ReadonlyMap<Subject, Iterable<Uint8Array>>): number {
  const db = new DatabaseSync(path);
  let bytes = 0;
  try {
    db.exec('BEGIN');
    const statement = db.prepare('INSERT INTO entries (subject, sha256, bytes) VALUES (?, ?, ?)');
    for (const [subject, entries] of subjects) {
      for (const entry of entries) {
        statement.run(subject, hash('sha256', entry, 'buffer'), entry);
        bytes += entry.byteLength;
      }
    }
    db.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)');
  } finally {
    db.close();
  }
  return bytes;
}

/** Without expectations many entries may be in flight at once; one connection keeps their order. */
async function publish(journal: Journal, subject: Subject, entries: Iterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  let inFlight: Promise<unknown>[] = [];
  for (const entry of entries) {
    bytes += entry.byteLength;
    inFlight.push(journal.fileRequest(subject, entry));
    if (inFlight.length < ENTRIES_IN_FLIGHT) continue;
    await Promise.all(inFlight);
    inFlight = [];
  }
  await Promise.all(inFlight);
  return bytes;
}

/** Streams outlive the bench that created them. */
export async function dropStream({ kind, natsUrl, stream }: JournalPlace): Promise<void> {
  if (kind === 'sqlite') return;
  const nc = await connect({ servers: natsUrl });
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  for await (const { config } of jsm.streams.list()) {
    if (config.name === stream || config.name === `${stream}_SNAPSHOTS`)
      await jsm.streams.delete(config.name);
  }
  await nc.close();
}
