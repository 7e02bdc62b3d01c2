/** The entry codec: one atomic journal record in JSON, chained to the one before by a SHA-256 of its stored bytes. */
import { hash } from 'node:crypto';
import { z } from 'zod';
import { TidemarkError } from './errors.ts';
import { journalEventSchema, type JournalEvent } from './events.ts';
import { claimId, entryHash, type ClaimId, type EntryHash } from './ids.ts';
import { compileReader, NOT_SURE } from './schemaReader.ts';

export const ENTRY_VERSION = 1;

export interface Entry {
  readonly v: number;
  readonly job: string;
  /** Empty for the job's own subject. */
  readonly topic: string;
  /** -1 for the job's own subject. */
  readonly partition: number;
  readonly epoch: number;
  readonly claimId: ClaimId;
  /** Counts the subject, 1..N. */
  readonly seq: number;
  /** Wall clock of the writer, ISO time; for people, never for decisions. */
  readonly at: string;
  readonly prevHash: EntryHash;
  readonly events: readonly JournalEvent[];
}

const entrySchema = z.object({
  v: z.literal(ENTRY_VERSION),
  job: z.string(),
  topic: z.string(),
  partition: z.number().int(),
  epoch: z.number().int().nonnegative(),
  claimId: z.string().transform((text) => claimId(text)),
  seq: z.number().int().positive(),
  at: z.string(),
  prevHash: z.string().transform((text) => entryHash(text)),
  events: z.array(journalEventSchema),
});

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Upcasters by the version that they read; each gives the next version's shape. */
const UPCASTERS: Readonly<Record<number, (entry: Record<string, unknown>) => Record<string, unknown>>> = {};

/** bigint offsets are written as decimal strings: JSON numbers lose digits behind 2^53. */
function offsetsAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

export function encodeEntry(entry: Entry): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(entry, offsetsAsText));
}

export function hashEntry(bytes: Uint8Array): EntryHash {
  return entryHash(hash('sha256', bytes, 'hex'));
}

const readEntry = compileReader(entrySchema);

/** Rejects what is no entry of a known version with JOURNAL_CORRUPT: unknown means stop. */
export function decodeEntry(bytes: Uint8Array, where: string): Entry {
  return readFast(bytes) ?? parseSlowly(bytes, where);
}

/** Null where anything is out of the ordinary. */
function readFast(bytes: Uint8Array): Entry | null {
  try {
    const entry = readEntry(JSON.parse(UTF8.decode(bytes)));
    return entry === NOT_SURE ? null : (entry as Entry);
  } catch {
    return null;
  }
}

function parseSlowly(bytes: Uint8Array, where: string): Entry {
  let raw: unknown;
  try {
    raw = JSON.parse(UTF8.decode(bytes));
  } catch (cause) {
    throw new TidemarkError('JOURNAL_CORRUPT', `${where} is not JSON: restore the journal from a copy.`, {
      cause,
    });
  }
  const parsed = parseEntry(upcast(raw, where), where);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const at = issue === undefined ? '' : ` (${issue.path.join('.')}: ${issue.message})`;
    throw new TidemarkError(
      'JOURNAL_CORRUPT',
      `${where} is not a valid entry${at}: restore the journal from a copy.`,
    );
  }
  return parsed.data;
}

/** A branded id that does not match throws inside zod's transform: here that is a damaged entry too. */
function parseEntry(raw: unknown, where: string): ReturnType<typeof entrySchema.safeParse> {
  try {
    return entrySchema.safeParse(raw);
  } catch (cause) {
    throw new TidemarkError(
      'JOURNAL_CORRUPT',
      `${where} holds an id that is none: restore the journal from a copy.`,
      { cause },
    );
  }
}

function upcast(raw: unknown, where: string): unknown {
  if (typeof raw !== 'object' || raw === null) return raw;
  let entry = raw as Record<string, unknown> & { v?: unknown };
  while (typeof entry.v === 'number' && entry.v < ENTRY_VERSION && UPCASTERS[entry.v] !== undefined) {
    entry = UPCASTERS[entry.v]?.(entry) ?? entry;
  }
  if (typeof entry.v === 'number' && entry.v > ENTRY_VERSION) {
    throw new TidemarkError(
      'JOURNAL_CORRUPT',
      `${where} was written in format ${entry.v} by a newer Tidemark; this one reads up to ${ENTRY_VERSION}. Upgrade.`,
    );
  }
  return entry;
}
