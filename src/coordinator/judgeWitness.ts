/** The witness that the group keeps of a partition's journal, judged once the own claim is in it. */
import { TidemarkError } from '../../journal/errors.ts';
import { partitionName, type EntryHash, type TopicPartition } from '../../journal/ids.ts';
import { replay, type Tail } from '../../journal/replay.ts';
import { partitionSubject } from '../../journal/subjects.ts';
import { checkWitness, parseWitness, witnessError, type Witness } from '../../journal/witness.ts';
import type { Claim } from './claim.ts';
import type { FailureLatch } from './concurrency.ts';
import type { Context } from './options.ts';
import { hashOfSeq } from './recover.ts';

/** For how long a later claim is looked for: a read may be stale, and proves presence only. */
const LATER_CLAIM_MS = 10_000;
const LOOK_AGAIN_MS = 1_000;

export interface Judging {
  readonly context: Context;
  readonly partition: TopicPartition;
  readonly claim: Claim;
  readonly latch: FailureLatch;
}

/**
 * To be asked once. Rejects with JOURNAL_ROLLED_BACK or JOURNAL_REPLACED where the journal is not the one that the witness saw; with FENCED where the
 * witness is of an owner that claimed later.
 */
export async function judgeWitness(judging: Judging): Promise<void> {
  const { context, partition, claim, latch } = judging;
  const { source, journal } = context.ports;
  const witness = parseWitness(await latch.race(source.readWitness(partition)));
  const { tail } = claim.writer;
  const verdict = checkWitness({
    witness,
    job: context.settings.job,
    journalId: journal.id,
    tail,
    hashAtSeq: witness === null ? null : await latch.race(hashFor(judging, witness, tail)),
  });
  claim.hashes.clear();
  if (verdict === 'journal-behind') await latch.race(lookForLaterClaim(judging));
  const error = witnessError(verdict, witness, partitionName(partition));
  if (error !== null) throw error;
}

/** Null where the journal ends before the witness's entry, or is not the one that it speaks of. */
async function hashFor(
  { context, partition, claim }: Judging,
  { seq, journalId }: Witness,
  tail: Tail,
): Promise<EntryHash | null> {
  const { journal } = context.ports;
  if (seq > tail.seq || journalId !== journal.id) return null;
  if (seq === tail.seq) return tail.hash;
  const subject = partitionSubject(context.settings.job, partition);
  // A snapshot, or more than is remembered, may stand between: the entry itself is still there.
  return claim.hashes.at(seq) ?? hashOfSeq(journal, subject, seq, tail);
}

/** Between the own claim and the reading of the witness another owner may have claimed, and told the group how far it is. */
async function lookForLaterClaim({ context, partition, claim, latch }: Judging): Promise<void> {
  const { journal, clock } = context.ports;
  const subject = partitionSubject(context.settings.job, partition);
  const startedMs = clock.nowMs();
  for (;;) {
    for await (const { entry } of replay(journal, subject, claim.writer.tail)) {
      throw new TidemarkError(
        'FENCED',
        `Another coordinator wrote entry ${entry.seq} of ${subject} (epoch ${entry.epoch}): this ownership is over.`,
        { fields: { seq: entry.seq, epoch: entry.epoch } },
      );
    }
    if (latch.failure !== null || clock.nowMs() - startedMs >= LATER_CLAIM_MS) return;
    await clock.pause(LOOK_AGAIN_MS);
  }
}
