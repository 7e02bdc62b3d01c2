/**
 * The snapshot codec: the result of a fold of a subject's entries up to one of them, with the position and
 * hash of that entry. A digest of its own bytes precedes it. A snapshot with any irregularity is ignored.
 */
import { hash } from 'node:crypto';
import { deflateSync, inflateSync } from 'node:zlib';
import { z } from 'zod';
import { entryHash, type JournalId, type Subject } from './ids.ts';
import type { Tail } from './replay.ts';

const SNAPSHOT_FORMAT = 1;
const DIGEST_BYTES = 32;
/** Larger ones are deflated: a snapshot is mostly file names, which are similar. */
const PLAIN_BYTES_MAX = 64 * 1024;
const BRACE = 0x7b;

export interface Snapshot {
  readonly journalId: JournalId;
  readonly subject: Subject;
  /** Version of the fold that made the state; a fold of another version must not continue from it. */
  readonly foldVersion: number;
  /** The last entry that the state includes. */
  readonly tail: Tail;
  /** Plain data; bigints are kept. */
  readonly state: unknown;
}

const headerSchema = z.object({
  format: z.literal(SNAPSHOT_FORMAT),
  journalId: z.string(),
  subject: z.string(),
  foldVersion: z.number().int(),
  tail: z.object({
    revision: z.number().int().positive(),
    seq: z.number().int().positive(),
    hash: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  state: z.unknown(),
});

/** Text with this prefix is a bigint or escaped text; no other text starts with it. */
const MARK = '\u0001';

export function encodeSnapshot(snapshot: Snapshot): Uint8Array {
  const json = JSON.stringify({ format: SNAPSHOT_FORMAT, ...snapshot }, (_key, value: unknown) => {
    if (typeof value === 'bigint') return `${MARK}n${value}`;
    return typeof value === 'string' && value.startsWith(MARK) ? `${MARK}s${value}` : value;
  });
  const plain = Buffer.from(json);
  const body = plain.byteLength > PLAIN_BYTES_MAX ? deflateSync(plain, { level: 1 }) : plain;
  return Buffer.concat([hash('sha256', body, 'buffer'), body]);
}

/** Null if the bytes are not a complete, unchanged snapshot of this format. */
export function decodeSnapshot(bytes: Uint8Array): Snapshot | null {
  const body = bytes.subarray(DIGEST_BYTES);
  if (body.byteLength === 0) return null;
  if (!hash('sha256', body, 'buffer').equals(bytes.subarray(0, DIGEST_BYTES))) return null;
  const parsed = headerSchema.safeParse(parseBody(body));
  if (!parsed.success) return null;
  const { journalId, subject, foldVersion, tail, state } = parsed.data;
  return {
    journalId: journalId as JournalId,
    subject: subject as Subject,
    foldVersion,
    tail: { ...tail, hash: entryHash(tail.hash) },
    state,
  };
}

/** Null if another Tidemark wrote it in a form that this one does not read. */
function parseBody(body: Uint8Array): unknown {
  try {
    const plain = body[0] === BRACE ? body : inflateSync(body);
    return JSON.parse(new TextDecoder().decode(plain), (_key, value: unknown) => {
      if (typeof value !== 'string' || !value.startsWith(MARK)) return value;
      return value.charAt(1) === 'n' ? BigInt(value.slice(2)) : value.slice(2);
    });
  } catch {
    return null;
  }
}
