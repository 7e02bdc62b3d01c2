/**
 * Witnesses: what a place outside the journal (the metadata of a Kafka offset commit) remembers of it, so that a rolled-back
 * or recreated journal does not pass for a young one.
 *
 * A witness is judged only after the own claim's acknowledgement: an earlier read may be stale, and a stale read is no proof.
 * The hash at the witness's sequence is gone once a replay has passed it, hence `WitnessWatch` looks on during the replay.
 */
import { z } from 'zod';
import { TidemarkError } from './errors.ts';
import { entryHash, journalId, type EntryHash, type JournalId } from './ids.ts';
import type { Tail } from './replay.ts';

const WITNESS_VERSION = 1;

export interface Witness {
  readonly job: string;
  readonly journalId: JournalId;
  readonly seq: number;
  /** Hash of the entry at `seq`. */
  readonly hash: EntryHash;
}

/**
 * - `agrees`: the journal holds the entry that the witness saw.
 * - `absent`: there is no witness, or none of Tidemark's.
 * - `journal-behind`: the journal ends before the entry that the witness saw: its end was lost, or an older copy restored.
 * - `other-journal`: the witness saw another journal, or another job.
 * - `hash-differs`: another entry stands where the witness saw its own: the journal went back and grew anew.
 */
export type WitnessVerdict = 'agrees' | 'absent' | 'journal-behind' | 'other-journal' | 'hash-differs';

const witnessSchema = z.object({
  tidemark: z.literal(WITNESS_VERSION),
  job: z.string(),
  journal: z.string().regex(/^[0-9a-zA-Z-]{8,64}$/),
  seq: z.number().int().positive(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});

/** Compact JSON, some 200 bytes: Kafka takes 4,096 as metadata by default. */
export function encodeWitness({ job, journalId, seq, hash }: Witness): string {
  return JSON.stringify({ tidemark: WITNESS_VERSION, job, journal: journalId, seq, hash });
}

/**
 * The witness in this text, or null where the text is not one (empty, or another program's). Rejects with JOURNAL_CORRUPT a
 * text that says it is one and cannot be read: it may be what a newer Tidemark wrote.
 */
export function parseWitness(text: string | null): Witness | null {
  const raw = parseObject(text);
  if (raw === null || !('tidemark' in raw)) return null;
  const parsed = witnessSchema.safeParse(raw);
  if (!parsed.success) {
    throw new TidemarkError(
      'JOURNAL_CORRUPT',
      `The journal's witness beside the committed offset is damaged or of a newer Tidemark: ${JSON.stringify(raw)}.`,
      { cause: parsed.error },
    );
  }
  const { job, journal, seq, hash } = parsed.data;
  return { job, journalId: journalId(journal), seq, hash: entryHash(hash) };
}

function parseObject(text: string | null): object | null {
  try {
    const raw: unknown = JSON.parse(text ?? '');
    return typeof raw === 'object' ? raw : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

export interface WitnessCheck {
  readonly witness: Witness | null;
  readonly job: string;
  readonly journalId: JournalId;
  /** Where the subject ends, with the own claim in it. */
  readonly tail: Tail;
  /** Hash of the subject's entry at the witness's sequence; null where the subject ends before it. */
  readonly hashAtSeq: EntryHash | null;
}

/** Judges a witness against what the journal holds. Pure. */
export function checkWitness({ witness, job, journalId, tail, hashAtSeq }: WitnessCheck): WitnessVerdict {
  if (witness === null) return 'absent';
  if (witness.job !== job || witness.journalId !== journalId) return 'other-journal';
  if (witness.seq > tail.seq) return 'journal-behind';
  if (hashAtSeq === null) {
    throw new TidemarkError(
      'INTERNAL',
      `Nothing was remembered of entry ${witness.seq}, the one to be judged.`,
    );
  }
  return hashAtSeq === witness.hash ? 'agrees' : 'hash-differs';
}

/** Looks on while a subject is replayed and appended to, remembers the one hash that matters, and judges at the end. */
export class WitnessWatch {
  readonly #witness: Witness | null;
  readonly #identity: { readonly job: string; readonly journalId: JournalId };
  #hashAtSeq: EntryHash | null = null;
  #tail: Tail | null = null;

  constructor(witness: Witness | null, identity: { readonly job: string; readonly journalId: JournalId }) {
    this.#witness = witness;
    this.#identity = identity;
  }

  /** To be told the tail after every entry, replayed or appended, in order. */
  see(tail: Tail): void {
    if (tail.seq === this.#witness?.seq) this.#hashAtSeq = tail.hash;
    this.#tail = tail;
  }

  /** Call it once the own claim has been seen. */
  verdict(): WitnessVerdict {
    if (this.#tail === null) {
      throw new TidemarkError(
        'INTERNAL',
        'A witness is judged after the claim is in the journal, not before.',
      );
    }
    return checkWitness({
      ...this.#identity,
      witness: this.#witness,
      tail: this.#tail,
      hashAtSeq: this.#hashAtSeq,
    });
  }
}

/** The error that stops a partition at this verdict (P6), or null where it may go on. `where` names the partition. */
export function witnessError(
  verdict: WitnessVerdict,
  witness: Witness | null,
  where: string,
): TidemarkError | null {
  if (verdict === 'agrees' || verdict === 'absent' || witness === null) return null;
  const fields = { job: witness.job, journalId: witness.journalId, seq: witness.seq };
  switch (verdict) {
    case 'other-journal':
      return new TidemarkError(
        'JOURNAL_REPLACED',
        `The offsets of ${where} were committed by job ${witness.job} with journal ${witness.journalId}, not with this ` +
          'one: point the job at that journal, or use another groupId.',
        { fields },
      );
    case 'journal-behind':
      return new TidemarkError(
        'JOURNAL_ROLLED_BACK',
        `The journal of ${where} ends before entry ${witness.seq}, which had been acknowledged: restore the newest journal.`,
        { fields },
      );
    case 'hash-differs':
      return new TidemarkError(
        'JOURNAL_ROLLED_BACK',
        `Entry ${witness.seq} of ${where} is not the one that had been acknowledged: the journal went back and grew ` +
          'anew. Restore the newest journal.',
        { fields },
      );
  }
}
