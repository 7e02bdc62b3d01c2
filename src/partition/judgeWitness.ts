/**
 * Judges the witnesses of a partition's journal, after this claim is in it: the witness that the group keeps
 * and those at the destination. If a witness saw more of the journal than exists, or something else, the
 * journal was rolled back.
 */
import { TidemarkError } from '../../journal/errors.ts';
import { witnessFolderUri } from '../../actors/naming.ts';
import { JournalFailure } from '../../journal/failure.ts';
import { partitionName, type EntryHash, type TopicPartition } from '../../journal/ids.ts';
import { replay } from '../../journal/replay.ts';
import { partitionSubject } from '../../journal/subjects.ts';
import {
  checkWitness,
  isForeignText,
  parseWitness,
  parseWitnessName,
  type Witness,
  type WitnessVerdict,
} from '../../journal/witness.ts';
import type { Claim } from './claim.ts';
import type { FailureLatch } from '../system/concurrency.ts';
import { checkMarkerStands } from '../job/marker.ts';
import type { Context } from '../job/context.ts';
import { hashOfSeq } from './replayPartition.ts';

/** How long a later claim is looked for: a read may be stale, and proves presence only. */
const LATER_CLAIM_MS = 10_000;
const LOOK_AGAIN_MS = 1_000;

export interface Judging {
  readonly context: Context;
  readonly partition: TopicPartition;
  readonly claim: Claim;
  readonly latch: FailureLatch;
}

/** A witness and where it was found. `name`: its name at the destination. */
export interface FoundWitness extends Witness {
  readonly source: 'group' | 'destination';
  readonly name: string | null;
}

export interface Judgement {
  /** Names at the destination. The claim's own witness supersedes them. */
  readonly names: readonly string[];
  /** Witnesses that the journal contradicts, newest first. Empty if the journal was not rolled back. */
  readonly disagreeing: readonly (FoundWitness & { readonly verdict: Disagreement })[];
}

export type Disagreement = Exclude<WitnessVerdict, 'agrees' | 'absent'>;

/**
 * Call once per claim. Rejects with FENCED if a witness belongs to an owner that claimed later, with
 * WITNESS_UNREADABLE if one cannot be read, with SINK_MARKER_MISSING if the destination is not the one that
 * the job wrote to.
 */
export async function judgeWitnesses(judging: Judging): Promise<Judgement> {
  const { claim } = judging;
  await checkMarkerStands(judging.context);
  const group = await groupWitness(judging);
  const placed = await destinationWitnesses(judging);
  const names = placed.flatMap(({ name }) => name ?? []);
  const disagreeing: (FoundWitness & { readonly verdict: Disagreement })[] = [];
  const isOpen = (found: FoundWitness): boolean => !isAnswered(judging, found);
  for (const found of [group ?? []].flat().filter(isOpen)) {
    const verdict = await verdictOf(judging, found);
    if (verdict !== 'agrees' && verdict !== 'absent') disagreeing.push({ ...found, verdict });
  }
  // The newest is sufficient, unless it belongs to a branch of the journal that an operator has given up.
  for (const found of placed.filter(isOpen)) {
    const verdict = await verdictOf(judging, found);
    if (verdict === 'agrees' || verdict === 'absent') break;
    disagreeing.push({ ...found, verdict });
  }
  claim.hashes.clear();
  if (disagreeing.some(({ verdict }) => verdict === 'journal-behind'))
    await judging.latch.race(lookForLaterClaim(judging));
  return { names, disagreeing: disagreeing.toSorted((a, b) => b.seq - a.seq) };
}

/** Witnesses that an operator has answered are not judged again. */
function isAnswered({ claim }: Judging, found: FoundWitness): boolean {
  return claim.host.ledger.facts.answered.some(
    ({ source, journalId, seq, hash }) =>
      source === found.source && journalId === found.journalId && seq === found.seq && hash === found.hash,
  );
}

async function groupWitness({ context, partition, latch }: Judging): Promise<FoundWitness | null> {
  const { source, log } = context.ports;
  const text = await latch.race(source.readWitness(partition));
  if (isForeignText(text)) {
    const entry = { partition: partitionName(partition), metadata: text };
    log.warn(entry, 'another program has committed an offset of this partition in the group');
  }
  const witness = parseWitness(text);
  return witness === null ? null : { ...witness, source: 'group', name: null };
}

/** Newest first. */
async function destinationWitnesses({ context, partition, latch }: Judging): Promise<FoundWitness[]> {
  const { naming, job } = context.settings;
  const folderUri = witnessFolderUri(naming, job, partition);
  const names = await latch.race(context.ports.store.listWitnesses(folderUri));
  return names
    .filter((name) => !name.startsWith('.'))
    .map((name) => ({ ...parseWitnessName(name, folderUri), job, source: 'destination', name }) as const)
    .toSorted((a, b) => b.seq - a.seq);
}

async function verdictOf(judging: Judging, witness: FoundWitness): Promise<WitnessVerdict> {
  const { context, claim, latch } = judging;
  return checkWitness({
    witness,
    job: context.settings.job,
    journalId: context.ports.journal.id,
    tail: claim.writer.tail,
    hashAtSeq: await latch.race(hashFor(judging, witness)),
  });
}

/**
 * Null if the journal ends before the witness's entry, or is not the journal that the witness names. Rejects
 * if the entry should exist but is not found.
 */
async function hashFor(
  { context, partition, claim }: Judging,
  { seq, journalId }: Witness,
): Promise<EntryHash | null> {
  const { journal } = context.ports;
  const { tail } = claim.writer;
  if (seq > tail.seq || journalId !== journal.id) return null;
  if (seq === tail.seq) return tail.hash;
  const subject = partitionSubject(context.settings.job, partition);
  // The entry may be older than the snapshot or the remembered hashes. The journal still holds it.
  const hash = claim.hashes.at(seq) ?? (await hashOfSeq(journal, subject, seq, tail));
  if (hash !== null) return hash;
  throw new JournalFailure(
    'unavailable',
    `The journal does not show entry ${seq} of ${subject}, though entry ${tail.seq} had been ` +
      'acknowledged: it is behind, or has lost its end. It is asked again.',
    { fields: { seq } },
  );
}

/** Another owner may have claimed, and written the witness, between this claim and the reading of it. */
async function lookForLaterClaim({ context, partition, claim, latch }: Judging): Promise<void> {
  const { journal, clock } = context.ports;
  const subject = partitionSubject(context.settings.job, partition);
  const startedMs = clock.nowMs();
  for (;;) {
    for await (const { entry } of replay(journal, subject, claim.writer.tail)) {
      throw new TidemarkError(
        'FENCED',
        `Another coordinator wrote entry ${entry.seq} of ${subject} (epoch ${entry.epoch}): this ` +
          'ownership is over.',
        { fields: { seq: entry.seq, epoch: entry.epoch } },
      );
    }
    if (latch.failure !== null || clock.nowMs() - startedMs >= LATER_CLAIM_MS) return;
    await clock.pause(LOOK_AGAIN_MS);
  }
}
