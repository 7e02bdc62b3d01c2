/**
 * Witnesses: what a place outside the journal (the metadata of a Kafka offset commit, a folder at the
 * destination) remembers of it. They prevent a rolled-back or recreated journal from passing for a young one.
 *
 * A witness is judged only after the own claim is acknowledged: an earlier read may be stale, and a stale
 * read is no proof. The hash at the witness's sequence is gone after a replay has passed it, so
 * `WitnessWatch` observes the replay.
 */
import { z } from 'zod';
import { TidemarkError } from './errors.ts';
import { JournalFailure } from './failure.ts';
import { claimId, entryHash, journalId, type ClaimId, type EntryHash, type JournalId } from './ids.ts';
import type { Tail } from './replay.ts';

const WITNESS_VERSION = 1;
const SHOWN_MAX = 300;

export interface Witness {
  readonly job: string;
  readonly journalId: JournalId;
  readonly seq: number;
  /** Hash of the entry at `seq`. */
  readonly hash: EntryHash;
  /** The next offset to read as of that entry; null if an earlier version wrote the witness. */
  readonly nextOffset: bigint | null;
}

/**
 * - `agrees`: the journal holds the entry that the witness saw.
 * - `absent`: there is no witness, or none of Tidemark's.
 * - `journal-behind`: the journal ends before the entry that the witness saw: its end was lost, or an older
 *   copy was restored.
 * - `other-journal`: the witness saw another journal, or another job.
 * - `hash-differs`: another entry is in the place of the one that the witness saw: the journal was rolled
 *   back and grew again.
 */
export type WitnessVerdict = 'agrees' | 'absent' | 'journal-behind' | 'other-journal' | 'hash-differs';

const witnessSchema = z.object({
  tidemark: z.literal(WITNESS_VERSION),
  job: z.string(),
  journal: z.string().regex(/^[0-9a-zA-Z-]{8,64}$/),
  seq: z.number().int().positive(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  next: z
    .string()
    .regex(/^\d{1,19}$/)
    .optional(),
});

/** Compact JSON, some 200 bytes. Kafka accepts 4,096 bytes of metadata by default. */
export function encodeWitness({ job, journalId, seq, hash, nextOffset }: Witness): string {
  const next = nextOffset === null ? {} : { next: nextOffset.toString() };
  return JSON.stringify({ tidemark: WITNESS_VERSION, job, journal: journalId, seq, hash, ...next });
}

/**
 * The witness in the metadata of a committed offset. Null if there is none: no text, or another program's.
 * Any text that contains our name counts as ours: throws WITNESS_UNREADABLE if it cannot be read. Some
 * clients append a NUL or white space when they commit the text again; that is ignored.
 */
export function parseWitness(text: string | null): Witness | null {
  const told = (text ?? '').replace(/[\s\0]+$/, '');
  if (!/tidemark/i.test(told)) return null;
  const parsed = witnessSchema.safeParse(parsedJson(told));
  if (!parsed.success) {
    throw new JournalFailure(
      'witnessUnreadable',
      "The witness of the journal beside the group's committed offset is damaged, or of a newer " +
        `Tidemark: ${JSON.stringify(told.slice(0, SHOWN_MAX))}. ` +
        'Without it nobody can tell whether the journal went back. Upgrade; or find out what wrote ' +
        'it, make sure that the journal is the newest one, and set the offset of the group anew without it.',
      { cause: parsed.error },
    );
  }
  const { job, journal, seq, hash, next } = parsed.data;
  const nextOffset = next === undefined ? null : BigInt(next);
  return { job, journalId: journalId(journal), seq, hash: entryHash(hash), nextOffset };
}

/** Whether metadata of a committed offset is another program's text. */
export function isForeignText(text: string | null): boolean {
  const told = (text ?? '').replace(/[\s\0]+$/, '');
  return told !== '' && !/tidemark/i.test(told);
}

/** Undefined if the text is not JSON. */
function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * A witness at the destination. Its name contains all of it, with the claim that wrote it and the attempt.
 */
export interface PlacedWitness extends Omit<Witness, 'job'> {
  readonly epoch: number;
  readonly claimId: ClaimId;
  readonly nextOffset: bigint;
  /** After an attempt with an unknown outcome, the next one uses another name. */
  readonly attempt: number;
}

const NAME =
  /^(\d{1,16})-([0-9a-f]{32})-v1-(\d{1,16})-(\d{1,19})-(\d{1,6})-([0-9a-f]{64})-([0-9a-zA-Z-]{8,64})$/;

/** At most 230 bytes of letters, digits and `-`. Names of two claims always differ. */
export function witnessName(witness: PlacedWitness): string {
  const { epoch, claimId: claim, seq, nextOffset, attempt, hash, journalId: journal } = witness;
  return `${epoch}-${claim}-v${WITNESS_VERSION}-${seq}-${nextOffset}-${attempt}-${hash}-${journal}`;
}

/** Throws WITNESS_UNREADABLE for a name that `witnessName` did not produce; `where` names the folder. */
export function parseWitnessName(name: string, where: string): PlacedWitness {
  const [, epoch, claim, seq, next, attempt, hash, journal] = NAME.exec(name) ?? [];
  if (journal === undefined || claim === undefined || hash === undefined || next === undefined) {
    throw new JournalFailure(
      'witnessUnreadable',
      `${where}/${name} is no witness of a journal, or one of a newer Tidemark. While it is there ` +
        'nobody can tell whether the ' +
        'journal went back. Upgrade; or find out what put it there, make sure that the journal is the ' +
        'newest one, and remove it.',
      { affected: { files: [`${where}/${name}`] } },
    );
  }
  return {
    ...{ epoch: Number(epoch), claimId: claimId(claim), seq: Number(seq), nextOffset: BigInt(next) },
    ...{ attempt: Number(attempt), hash: entryHash(hash), journalId: journalId(journal) },
  };
}

export interface WitnessCheck {
  readonly witness: Witness | null;
  readonly job: string;
  readonly journalId: JournalId;
  /** End of the subject, including the own claim. */
  readonly tail: Tail;
  /** Hash of the subject's entry at the witness's sequence; null if the subject ends before it. */
  readonly hashAtSeq: EntryHash | null;
}

/** Judges a witness against the journal's content. Pure. */
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

/**
 * Observes the replay of a subject and its appends, remembers the one hash that matters, and gives the
 * verdict at the end.
 */
export class WitnessWatch {
  readonly #witness: Witness | null;
  readonly #identity: { readonly job: string; readonly journalId: JournalId };
  #hashAtSeq: EntryHash | null = null;
  #tail: Tail | null = null;

  constructor(witness: Witness | null, identity: { readonly job: string; readonly journalId: JournalId }) {
    this.#witness = witness;
    this.#identity = identity;
  }

  /** Call it with the tail after every entry, replayed or appended, in order. */
  see(tail: Tail): void {
    if (tail.seq === this.#witness?.seq) this.#hashAtSeq = tail.hash;
    this.#tail = tail;
  }

  /** Call it after the own claim has been seen. */
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

/**
 * The error that stops a partition at this verdict (P6); null if it may continue. `where` names the
 * partition.
 */
export function witnessError(
  verdict: WitnessVerdict,
  witness: Witness | null,
  where: string,
): JournalFailure | null {
  if (verdict === 'agrees' || verdict === 'absent' || witness === null) return null;
  const fields = { job: witness.job, journalId: witness.journalId, seq: witness.seq };
  switch (verdict) {
    case 'other-journal':
      return new JournalFailure(
        'replaced',
        `The offsets of ${where} were committed by job ${witness.job} with journal ` +
          `${witness.journalId}, not with this one: point the job at that journal, or use another groupId.`,
        { fields },
      );
    case 'journal-behind':
      return new JournalFailure(
        'rolledBack',
        `The journal of ${where} ends before entry ${witness.seq}, which had been acknowledged: ` +
          'restore the newest journal.',
        { fields },
      );
    case 'hash-differs':
      return new JournalFailure(
        'rolledBack',
        `Entry ${witness.seq} of ${where} is not the one that had been acknowledged: the journal went ` +
          'back and grew anew. Restore the newest journal.',
        { fields },
      );
  }
}
