/** Claims a partition: replays its journal, then appends the claim at the expected sequence. */
import { PartitionHost } from './partitionHost.ts';
import { decodeEntry } from '../../journal/entry.ts';
import { isFenced } from '../../journal/errors.ts';
import { isJournalFailure } from '../../journal/failure.ts';
import type { PartitionEvent } from '../../journal/events.ts';
import {
  claimId,
  partitionName,
  type ClaimId,
  type Subject,
  type TopicPartition,
} from '../../journal/ids.ts';
import type { Journal } from '../../journal/port.ts';
import { partitionSubject } from '../../journal/subjects.ts';
import { SubjectWriter, type WriterIdentity } from '../../journal/writer.ts';
import { passing, type Failpoint } from '../system/failpoints.ts';
import { limitedAppend } from '../job/appendLimit.ts';
import { AppendRetries } from '../job/appendRetries.ts';
import { placingOf } from '../job/placing.ts';
import { Gate } from '../system/concurrency.ts';
import type { Context } from '../job/context.ts';
import { foldJournal, replayPartition } from './replayPartition.ts';
import type { SeenHashes } from './seenHashes.ts';
import { SnapshotWriter } from './snapshots.ts';

const CONFLICT_PAUSE_MS = 100;
/** How long the end of an epoch waits for an unavailable journal, and how often it asks. */
const JOURNAL_PATIENCE_MS = 5_000;
const LOOK_AGAIN_MS = 500;

/** A partition whose claim by this process is acknowledged. */
export interface Claim {
  readonly host: PartitionHost;
  readonly writer: SubjectWriter;
  readonly epoch: number;
  readonly claimId: ClaimId;
  /** Hashes of the replayed entries, to judge the witness by. Empty after that. */
  readonly hashes: SeenHashes;
  readonly snapshots: SnapshotWriter;
}

/**
 * Whether the next entry after this claim's own entries is another owner's claim. If so, nothing that is
 * unacknowledged now will ever be checkpointed. A claim that is read is proof; its absence is not: also false
 * if the journal stays unavailable for JOURNAL_PATIENCE_MS.
 */
export async function hasSuccessor({ ports }: Context, subject: Subject, claim: Claim): Promise<boolean> {
  if (isFenced(claim.host.failure)) return true;
  const { clock, log } = ports;
  const patience = new Gate();
  const timer = clock.timer(JOURNAL_PATIENCE_MS, () => patience.open());
  const look = async (): Promise<boolean | null> => {
    for (;;) {
      const found = await isLaterClaimNext(ports.journal, subject, claim);
      if (found !== null || patience.isOpen) return found;
      await patience.orOpened(clock.pause(LOOK_AGAIN_MS));
    }
  };
  try {
    const found = await Promise.race([look(), patience.opened.then(() => null)]);
    if (found === null) log.warn({ subject }, 'whether the partition has another owner could not be read');
    return found ?? false;
  } catch (error) {
    log.warn({ err: error, subject }, 'whether the partition has another owner could not be read');
    return false;
  } finally {
    timer.cancel();
  }
}

/** Null if the journal does not answer. */
async function isLaterClaimNext(journal: Journal, subject: Subject, claim: Claim): Promise<boolean | null> {
  try {
    for await (const batch of journal.read(subject, claim.writer.tail.revision)) {
      const [next] = batch;
      // The next entry may be this claim's own: appended, but never acknowledged.
      if (next !== undefined) return decodeEntry(next.bytes, `An entry of ${subject}`).epoch > claim.epoch;
    }
    return false;
  } catch (error) {
    if (isJournalFailure(error, 'unavailable')) return null;
    throw error;
  }
}

/**
 * Claims the partition. On a conflict, reads the new entries and claims again. Rejects with JOURNAL_CORRUPT
 * if the journal has a hole or a wrong hash: a broken claimer must not fence anyone.
 */
export async function claimPartition(
  context: Context,
  partition: TopicPartition,
  startOffset: bigint,
  signal: AbortSignal,
): Promise<Claim> {
  const { journal, clock, random, log } = context.ports;
  const subject = partitionSubject(context.settings.job, partition);
  signal.throwIfAborted();
  const { onStep } = context.ports;
  const recovery = await replayPartition({
    ...{ journal, subject, partition, log },
    ...(onStep === undefined ? {} : { onStep }),
  });
  const { ledger, hashes, base } = recovery;
  const { self } = context.ports.presence ?? {};
  const owner = self === undefined ? {} : { owner: `${self.host}:${self.pid}` };
  const placing = placingOf(context.settings.effectiveConfig);
  let { tail } = recovery;
  for (;;) {
    const own = claimId(random.hexId());
    ledger.note({ type: 'replayed', ownClaimId: own });
    const epoch = ledger.facts.epoch + 1;
    const identity: WriterIdentity = { job: context.settings.job, ...partition, epoch, claimId: own };
    const retries = new AppendRetries(context, subject, partitionName(partition));
    const writer = new SubjectWriter(
      {
        journal,
        subject,
        pacer: clock,
        timestamp: () => new Date(clock.wallMs()).toISOString(),
        ...retries.options,
      },
      tail,
    );
    const snapshots = new SnapshotWriter({ context, subject, ledger, tail: () => writer.tail, base });
    const appender = appenderOf(context, writer, identity, signal, retries);
    const host = new PartitionHost(ledger, appender, () => void snapshots.adopted());
    try {
      await host.submit(() => [
        { type: 'epochClaimed', epoch, claimId: own, startOffset, ...owner, placing },
      ]);
      return { host, writer, epoch, claimId: own, hashes, snapshots };
    } catch (error) {
      if (!isFenced(error)) throw error;
      log.info({ partition: partitionName(partition), epoch }, 'another claim was first; reading on');
      ledger.note({ type: 'fenced' });
      await clock.pause(CONFLICT_PAUSE_MS);
      signal.throwIfAborted();
      tail = await foldJournal(journal, subject, partition, ledger, tail, hashes);
    }
  }
}

function appenderOf(
  context: Context,
  writer: SubjectWriter,
  identity: WriterIdentity,
  signal: AbortSignal,
  retries: AppendRetries,
) {
  const { failpoints, journal } = context.ports;
  return {
    entryBytesMax: journal.entryBytesMax,
    measure: (events: readonly PartitionEvent[]) => writer.measure(identity, events),
    async append(events: readonly PartitionEvent[]): Promise<void> {
      const point: Failpoint = events[0]?.type === 'epochClaimed' ? 'journal.claim' : 'journal.append';
      await retries.during(
        limitedAppend(context, signal, (limited) =>
          passing(failpoints, point, () => writer.append(identity, events, limited)),
        ),
      );
    },
  };
}
