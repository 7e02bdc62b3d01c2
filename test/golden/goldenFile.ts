/**
 * Golden journals: what an earlier version has written, byte for byte, and the state that it meant by it.
 * They are kept for ever: each later version must read them. A golden journal is added, never changed; a
 * format that changes gets an upcaster and a new one.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { bigintsAsText } from '../../kernels/json.ts';
import { PartitionLedger } from '../../actors/ledger.ts';
import { encodeEntry } from '../../journal/entry.ts';
import type { JobEvent, JournalEvent, PartitionEvent } from '../../journal/events.ts';
import type { Subject } from '../../journal/ids.ts';
import { createMemoryJournal } from '../../journal/memory/journal.ts';
import { replay } from '../../journal/replay.ts';
import { JobFacts } from '../../src/job/jobLife.ts';

const JOURNALS_DIR = path.join(import.meta.dirname, 'journals');

/**
 * One line of a golden journal: an entry as it was stored, or what the subject amounts to behind so many of
 * them.
 */
export type GoldenLine =
  | { readonly subject: string; readonly entry: string }
  | { readonly subject: string; readonly after: number; readonly state: unknown };

interface GoldenSubject {
  readonly entries: string[];
  readonly states: { readonly after: number; readonly state: unknown }[];
}

export interface Golden {
  readonly name: string;
  readonly subjects: ReadonlyMap<string, GoldenSubject>;
}

export function goldenPath(name: string): string {
  return path.join(JOURNALS_DIR, `${name}.jsonl`);
}

export function goldenJournals(): readonly Golden[] {
  return readdirSync(JOURNALS_DIR)
    .filter((file) => file.endsWith('.jsonl'))
    .sort()
    .map((file) => readGolden(path.basename(file, '.jsonl')));
}

function readGolden(name: string): Golden {
  const subjects = new Map<string, GoldenSubject>();
  for (const line of readFileSync(goldenPath(name), 'utf8').trimEnd().split('\n')) {
    const golden = JSON.parse(line) as GoldenLine;
    const subject = subjects.get(golden.subject) ?? { entries: [], states: [] };
    subjects.set(golden.subject, subject);
    if ('entry' in golden) subject.entries.push(golden.entry);
    else subject.states.push({ after: golden.after, state: golden.state });
  }
  return { name, subjects };
}

export interface Replayed {
  /** Behind each entry, as plain data: offsets are texts. */
  readonly states: readonly unknown[];
  readonly events: readonly JournalEvent[];
  /** What encoding the decoded entries gives. */
  readonly encoded: readonly string[];
}

/** The entries of one subject through the codec, the chain of hashes and the fold. */
export async function replayEntries(subject: Subject, entries: readonly string[]): Promise<Replayed> {
  const journal = createMemoryJournal();
  let revision = 0;
  for (const entry of entries) {
    const outcome = await journal.append(subject, revision, new TextEncoder().encode(entry));
    if (outcome.type !== 'appended') throw new Error(`the memory journal answers ${outcome.type}`);
    revision = outcome.revision;
  }
  const events: JournalEvent[] = [];
  const encoded: string[] = [];
  const states: unknown[] = [];
  const fold = isJobSubject(subject) ? foldJob() : foldPartition();
  for await (const { entry } of replay(journal, subject)) {
    fold.take(entry.events);
    states.push(plain(fold.state()));
    events.push(...entry.events);
    encoded.push(new TextDecoder().decode(encodeEntry(entry)));
  }
  return { states, events, encoded };
}

function isJobSubject(subject: Subject): boolean {
  return subject.endsWith('.job.life');
}

interface Fold {
  take(events: readonly JournalEvent[]): void;
  state(): unknown;
}

function foldJob(): Fold {
  const facts = new JobFacts();
  return {
    take: (events) => {
      for (const event of events) facts.fold(event as JobEvent);
    },
    state: () => {
      const { groupId, clusterId, started, topics } = facts;
      return { groupId, clusterId, started, topics: [...topics] };
    },
  };
}

function foldPartition(): Fold {
  const ledger = new PartitionLedger();
  return {
    take: (events) => ledger.fold(events as readonly PartitionEvent[]),
    state: () => ({
      status: ledger.status,
      facts: ledger.facts,
      committedFiles: ledger.committedFiles,
      parts: [...ledger.parts()],
      buckets: [...ledger.buckets].map(([bucket, { value }]) => ({ bucket, status: value })),
    }),
  };
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, bigintsAsText));
}
