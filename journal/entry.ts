/**
 * The entry codec: one atomic journal record in JSON, chained to the previous one by a SHA-256 of its stored
 * bytes.
 */
import type { TidemarkError } from './errors.ts';
import { hash } from 'node:crypto';
import { z } from 'zod';
import { bigintsAsText } from '../kernels/json.ts';
import { JournalFailure } from './failure.ts';
import { journalEventSchema, type JournalEvent } from './events.ts';
import { claimId, entryHash, type ClaimId, type EntryHash } from './ids.ts';
import { compileReader, NOT_SURE } from './schemaReader.ts';
import { ENTRY_VERSION, upcastEntry } from './entryFormats.ts';

export interface Entry {
  readonly v: number;
  /** A reader that knows only lower formats must leave the subject alone. */
  readonly minReader: number;
  readonly job: string;
  /** Empty for the job's own subject. */
  readonly topic: string;
  /** -1 for the job's own subject. */
  readonly partition: number;
  readonly epoch: number;
  readonly claimId: ClaimId;
  /** Number of the entry in its subject, 1..N. */
  readonly seq: number;
  /** Wall clock of the writer, ISO time. For people, never for decisions. */
  readonly at: string;
  readonly prevHash: EntryHash;
  readonly events: readonly JournalEvent[];
}

const entrySchema = z.object({
  v: z.literal(ENTRY_VERSION),
  minReader: z.number().int().positive(),
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
const ENCODER = new TextEncoder();

export function encodeEntry(entry: Entry): Uint8Array {
  return ENCODER.encode(JSON.stringify(entry, bigintsAsText));
}

export function hashEntry(bytes: Uint8Array): EntryHash {
  return entryHash(hash('sha256', bytes, 'hex'));
}

const readEntry = compileReader(entrySchema);

/**
 * Throws JOURNAL_CORRUPT for anything that is not an entry, and JOURNAL_NEWER for what only a newer version
 * understands: unknown means stop.
 */
export function decodeEntry(bytes: Uint8Array, where: string): Entry {
  return readFast(bytes) ?? parseSlowly(bytes, where);
}

/** Null if anything is unusual. */
function readFast(bytes: Uint8Array): Entry | null {
  try {
    const entry = readEntry(upcastEntry(JSON.parse(UTF8.decode(bytes))));
    return entry === NOT_SURE || (entry as Entry).minReader > ENTRY_VERSION ? null : (entry as Entry);
  } catch {
    return null;
  }
}

function parseSlowly(bytes: Uint8Array, where: string): Entry {
  let raw: unknown;
  try {
    raw = JSON.parse(UTF8.decode(bytes));
  } catch (cause) {
    throw new JournalFailure('corrupt', `${where} is not JSON: restore the journal from a copy.`, {
      cause,
    });
  }
  const parsed = parseEntry(asOfToday(upcastEntry(raw), where), where);
  if (!parsed.success) {
    // It claims to be readable and is not. A newer version knows why.
    if (formatOf(raw) > ENTRY_VERSION) throw newerEntry(where, formatOf(raw));
    const issue = parsed.error.issues[0];
    const at = issue === undefined ? '' : ` (${issue.path.join('.')}: ${issue.message})`;
    throw new JournalFailure(
      'corrupt',
      `${where} is not a valid entry${at}: restore the journal from a copy.`,
    );
  }
  return parsed.data;
}

/** A malformed branded id throws inside zod's transform. That, too, is a damaged entry. */
function parseEntry(raw: unknown, where: string): ReturnType<typeof entrySchema.safeParse> {
  try {
    return entrySchema.safeParse(raw);
  } catch (cause) {
    throw new JournalFailure(
      'corrupt',
      `${where} holds an id that is none: restore the journal from a copy.`,
      { cause },
    );
  }
}

/** An entry of a newer format, if it permits this version to read it; otherwise throws JOURNAL_NEWER. */
function asOfToday(raw: unknown, where: string): unknown {
  if (typeof raw !== 'object' || raw === null) return raw;
  const { minReader } = raw as { minReader?: unknown };
  const format = formatOf(raw);
  const mayRead = typeof minReader === 'number' && minReader <= ENTRY_VERSION;
  if (format <= ENTRY_VERSION && (mayRead || typeof minReader !== 'number')) return raw;
  if (mayRead) return { ...raw, v: ENTRY_VERSION };
  throw newerEntry(where, format);
}

/** 0 if there is no format. */
function formatOf(raw: unknown): number {
  const v = typeof raw === 'object' && raw !== null && 'v' in raw ? raw.v : null;
  return typeof v === 'number' ? v : 0;
}

function newerEntry(where: string, format: number): TidemarkError {
  return new JournalFailure(
    'newer',
    `${where} was written in format ${format} by a newer Tidemark; this one reads up to ` +
      `${ENTRY_VERSION}. Upgrade this coordinator. It leaves the partition to others; nothing was written.`,
    { fields: { format, formatMax: ENTRY_VERSION } },
  );
}
