/** Checkpoints: a consistent cut of one partition, made durable and then journaled as a whole. */
import type { PartitionContext } from '../../actors/partition.ts';
import { journalPieces } from './checkpointPieces.ts';
import type { PartitionHost } from './partitionHost.ts';
import type { EventOf, PartChange } from '../../journal/events.ts';
import type { ReadEpoch } from '../sources/port.ts';
import type { Cut, RecordRouter } from '../writing/recordRouter.ts';

/** For one earlier leader epoch. All of them get a fixed share of an entry; half of it is for parts. */
const EPOCH_BYTES = 64;
const EPOCHS_SHARE = 5;

export type CheckpointBody = Pick<
  EventOf<'checkpointCompleted'>,
  | ('nextOffset' | 'leaderEpoch' | 'leaderEpochStart' | 'earlierLeaderEpochs')
  | ('recordsRead' | 'recordsSkipped' | 'recordsAlreadyHeld' | 'recordsBad' | 'parts')
>;

/**
 * Waits until the cut is durable, then journals it. The acknowledgement of checkpointCompleted is the commit
 * point: before it nothing of the cut is checkpointed, after it all of it is.
 *
 * @param mayOffer throws if the cut may no longer be offered to the journal. After this call its files may
 * become checkpointed, even if the reply is lost.
 */
export async function checkpoint(
  host: PartitionHost,
  entryBytesMax: number,
  router: RecordRouter,
  cut: Cut,
  mayOffer: () => void,
): Promise<void> {
  const parts: PartChange[] = [];
  for (const { writer, durable, ...part } of cut.parts) {
    const state = part.roll === null ? 'inProgress' : 'pending';
    parts.push({ ...part, ...(await durable), partId: writer.partId, state });
  }
  mayOffer();
  for (const { writer } of cut.parts) writer.isOffered = true;
  await completeCheckpoint(host, entryBytesMax, (facts) => ({
    nextOffset: cut.nextOffset,
    ...epochsOf(cut.read, facts, entryBytesMax),
    recordsRead: cut.recordsRead,
    recordsSkipped: skippedOf(cut),
    ...(cut.recordsAlreadyHeld === 0 ? {} : { recordsAlreadyHeld: cut.recordsAlreadyHeld }),
    ...(cut.bad.counts.length === 0 ? {} : { recordsBad: [...cut.bad.counts] }),
    parts,
  }));
  router.checkpointed(cut);
}

function skippedOf({ recordsSkippedNull: nullValue, bad }: Cut): CheckpointBody['recordsSkipped'] {
  return bad.skipped === 0 ? { nullValue } : { nullValue, bad: bad.skipped };
}

/** Includes the earlier leader epochs only if the leader epoch is new: they change only with it. */
function epochsOf(
  read: ReadEpoch | null,
  facts: PartitionContext,
  entryBytesMax: number,
): Pick<CheckpointBody, 'leaderEpoch' | 'leaderEpochStart' | 'earlierLeaderEpochs'> {
  if (read === null) return { leaderEpoch: null, leaderEpochStart: null };
  const { epoch: leaderEpoch, startOffset: leaderEpochStart, earlier } = read;
  const isKnown = leaderEpoch === facts.leaderEpoch && leaderEpochStart === facts.leaderEpochStart;
  if (isKnown || earlier.length === 0) return { leaderEpoch, leaderEpochStart };
  const most = Math.max(1, Math.floor(entryBytesMax / EPOCHS_SHARE / EPOCH_BYTES));
  return { leaderEpoch, leaderEpochStart, earlierLeaderEpochs: earlier.slice(-most) };
}

/**
 * Journals a checkpoint. One too large for an entry is preceded by checkpointPart entries; it states their
 * number.
 */
export async function completeCheckpoint(
  host: PartitionHost,
  entryBytesMax: number,
  body: (facts: PartitionContext) => CheckpointBody,
): Promise<void> {
  const number = host.ledger.facts.checkpoint + 1;
  const { parts, ...rest } = body(host.ledger.facts);
  const last = await journalPieces(host, number, parts, entryBytesMax / 2);
  await host.submit(() => [
    { type: 'checkpointCompleted', checkpoint: number, ...rest, ...last, parts: [...last.parts] },
  ]);
}
