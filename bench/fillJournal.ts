/** Builds long journals quickly, without a writer that appends entry by entry. */
import { hash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { Subject } from '../journal/ids.ts';
import { openJetstreamJournal } from '../journal/jetstream/journal.ts';
import type { Journal } from '../journal/port.ts';
import { openSqliteJournal } from '../journal/sqlite/journal.ts';

/** Of each of two halves, which take turns: the server always has some to write. */
const ENTRIES_IN_FLIGHT = 1_024;
/** A transaction of all entries would need as much again for the write-ahead log. */
const ENTRIES_PER_TRANSACTION = 100_000;

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

/** Many entries a transaction: one each would take minutes for a million of them. */
function insert(path: string, subjects: ReadonlyMap<Subject, Iterable<Uint8Array>>): number {
  const db = new DatabaseSync(path);
  let bytes = 0;
  let entriesIn = 0;
  try {
    db.exec('BEGIN');
    const statement = db.prepare('INSERT INTO entries (subject, sha256, bytes) VALUES (?, ?, ?)');
    for (const [subject, entries] of subjects) {
      for (const entry of entries) {
        statement.run(subject, hash('sha256', entry, 'buffer'), entry);
        bytes += entry.byteLength;
        entriesIn += 1;
        if (entriesIn % ENTRIES_PER_TRANSACTION === 0) db.exec('COMMIT; BEGIN');
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
  let earlier: Promise<unknown> = Promise.resolve();
  let sent: Promise<unknown>[] = [];
  for (const entry of entries) {
    bytes += entry.byteLength;
    sent.push(journal.fileRequest(subject, entry));
    if (sent.length < ENTRIES_IN_FLIGHT) continue;
    await earlier;
    earlier = Promise.all(sent);
    sent = [];
  }
  await Promise.all([earlier, ...sent]);
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
