/**
 * The presence record of a living coordinator: plain JSON, for `status` and for the commands that wait for an
 * answer.
 */
import { z } from 'zod';
import { fitted } from './fitRecord.ts';

export type DependencyName = 'source' | 'journal' | 'destination';

const text = z.string();
const count = z.number().int().nonnegative();
/** Wall clock, milliseconds since the epoch. */
const atMs = z.number();

const dependency = z.object({
  /** `unknown`: it has not been called yet. */
  state: z.enum(['ok', 'error', 'unknown']),
  /** Since when every answer has been like this one. */
  sinceMs: atMs,
  /** Time of the last answer. */
  atMs,
  code: text.nullable(),
  message: text.nullable(),
});
export type DependencyAnswer = z.output<typeof dependency>;

const condition = z.object({
  kind: z.enum(['stopped', 'halted', 'refused', 'waiting', 'retried', 'noticed']),
  about: text,
  code: text,
  message: text,
  help: text,
  sinceMs: atMs,
  times: count,
});

const ownedPartition = z.object({
  topic: text,
  partition: count,
  state: z.enum(['claiming', 'running', 'stopped', 'halted']),
});
export type OwnedPartition = z.output<typeof ownedPartition>;

/** A request that was answered, even if the journal could not store the answer. */
const answer = z.object({
  topic: text,
  partition: count,
  requestId: count,
  isAccepted: z.boolean(),
  /** Null if it was accepted. */
  reason: text.nullable(),
});
export type RequestAnswer = z.output<typeof answer>;

const omitted = z.object({ partitions: count, conditions: count, answers: count });
/** How many entries of each list were left out for lack of room. */
export type OmittedPresence = z.output<typeof omitted>;

const presenceRecord = z.object({
  v: z.literal(1),
  id: text,
  job: text,
  journalId: text,
  host: text,
  pid: count,
  version: text,
  startedAtMs: atMs,
  partitions: z.array(ownedPartition),
  dependencies: z.object({ source: dependency, journal: dependency, destination: dependency }),
  conditions: z.array(condition),
  answers: z.array(answer),
  /** Earlier versions of Tidemark do not write it. */
  omitted: omitted.default({ partitions: 0, conditions: 0, answers: 0 }),
});
export type PresenceRecord = z.output<typeof presenceRecord>;
/** The complete facts, before any are left out. */
export type PresenceFacts = Omit<PresenceRecord, 'omitted'>;

/** `journalId` of a process that still waits for its journal. */
export const NO_JOURNAL_YET = '';

/** At most `bytesMax` bytes. Entries that do not fit are left out, and their number is recorded. */
export function encodePresence(facts: PresenceFacts, bytesMax: number): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(fitted(facts, bytesMax)));
}

/** Null if it cannot be read: it is damaged, or of another version. */
export function decodePresence(bytes: Uint8Array): PresenceRecord | null {
  try {
    return presenceRecord.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data ?? null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
