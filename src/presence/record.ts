/** What a living coordinator says of itself: plain JSON, for `status` and for the commands that wait for an answer. */
import { z } from 'zod';
import type { LastingCondition } from '../conditions.ts';

export type DependencyName = 'source' | 'journal' | 'destination';

const text = z.string();
const count = z.number().int().nonnegative();
/** Wall clock, milliseconds since the epoch. */
const atMs = z.number();

const dependency = z.object({
  /** `unknown`: it was not asked yet. */
  state: z.enum(['ok', 'error', 'unknown']),
  /** Since when every answer was like that. */
  sinceMs: atMs,
  /** Of the last answer. */
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

/** A request that was answered, also where the journal could not hold the answer. */
const answer = z.object({
  topic: text,
  partition: count,
  requestId: count,
  isAccepted: z.boolean(),
  /** Null where it was accepted. */
  reason: text.nullable(),
});
export type RequestAnswer = z.output<typeof answer>;

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
});
export type PresenceRecord = z.output<typeof presenceRecord>;

/** Of a process that still waits for its journal. */
export const NO_JOURNAL_YET = '';

/** More than that says no more to a person, and a record has to stay small. */
const LISTED_MAX = 1_000;
const TEXT_MAX = 2_000;

export function encodePresence(record: PresenceRecord): Uint8Array {
  const short: PresenceRecord = {
    ...record,
    conditions: record.conditions.slice(0, LISTED_MAX).map(shortened),
    answers: record.answers.slice(-LISTED_MAX),
  };
  return new TextEncoder().encode(JSON.stringify(short));
}

function shortened({ message, ...rest }: LastingCondition): LastingCondition {
  return { ...rest, message: message.length > TEXT_MAX ? `${message.slice(0, TEXT_MAX)}…` : message };
}

/** Null where it cannot be read: damaged, or of another version. */
export function decodePresence(bytes: Uint8Array): PresenceRecord | null {
  try {
    return presenceRecord.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data ?? null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
