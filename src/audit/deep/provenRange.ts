/**
 * Which offsets the source still holds as they were read: another topic, or a log that went back, holds
 * others.
 */
import { journaledEpoch } from '../../sources/readEpoch.ts';
import { isSourceFailure, journaledProblem } from '../../sources/failure.ts';
import type { OffsetRange, Source } from '../../sources/port.ts';
import type { PartitionHistory } from '../partitionHistory.ts';

/** Null if the source holds nothing of it. Rejects if it does not answer. */
export async function provenRange(
  source: Pick<Source, 'open' | 'ranges' | 'verifyIdentity'>,
  topicId: string | null,
  { partition, ledger }: PartitionHistory,
): Promise<OffsetRange | null> {
  const { stop } = ledger.facts;
  if (stop !== null && journaledProblem(stop.code) === 'replaced') return null;
  try {
    // A missing topic is told here; identity would wait for it.
    const range = (await source.ranges(partition.topic))[partition.partition] ?? null;
    if (range === null) return null;
    await source.verifyIdentity(partition.topic, topicId);
    return upTo(
      upTo(range, stop?.truncation?.divergedAt ?? null),
      await cutAt(source, topicId, { partition, ledger }),
    );
  } catch (error) {
    if (isSourceFailure(error, 'topicMissing', 'replaced', 'deleted')) return null;
    throw error;
  }
}

const upTo = (range: OffsetRange, end: bigint | null): OffsetRange =>
  end === null || end >= range.endOffset ? range : { ...range, endOffset: end };

/** Where the log went back, as far as the leader epochs tell that were read; null if it did not. */
async function cutAt(
  source: Pick<Source, 'open'>,
  topicId: string | null,
  { partition, ledger }: Pick<PartitionHistory, 'partition' | 'ledger'>,
): Promise<bigint | null> {
  const read = journaledEpoch(ledger.facts);
  const { nextOffset: offset } = ledger.facts;
  if (read === null || offset === null) return null;
  const feed = source.open(partition, offset, topicId, read);
  // A feed that finds it by itself tells it to its reader.
  const told = feed.next().then(
    (batch) => {
      batch.release?.();
    },
    (error: unknown) => error,
  );
  try {
    await feed.verify?.({ offset, read });
    return null;
  } catch (error) {
    return cutIn(error);
  } finally {
    await feed.close();
    await told;
  }
}

function cutIn(error: unknown): bigint | null {
  if (!isSourceFailure(error, 'truncated')) throw error;
  return error.affected.truncation?.divergedAt ?? null;
}
