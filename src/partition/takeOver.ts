/**
 * Takeover: what a new owner does with the files of earlier epochs, derived from the state alone. Pending
 * files are committed. Files in progress are put out of reach of earlier owners at their durable length.
 * Depending on the store, they are closed there or continued. The rest is discarded.
 */
import { TidemarkError } from '../../journal/errors.ts';
import { folderOf, temporaryUri, withRowsFiles } from '../../actors/naming.ts';
import type { DurableFacts } from '../../actors/facts.ts';
import type { PartitionHost } from './partitionHost.ts';
import type { PartFileContext } from '../../actors/partFile.ts';
import type { PartChange } from '../../journal/events.ts';
import { partId, partitionName, type PartId, type TopicPartition } from '../../journal/ids.ts';
import { conditionOf } from '../telemetry/conditions.ts';
import type {
  DurablePart,
  FinishingTakeover,
  OpenFile,
  PartTarget,
  ResumingTakeover,
} from '../stores/port.ts';
import type { RowEncoder } from '../formats/rows.ts';
import { withTail } from '../stores/storedContent.ts';
import { withoutRows } from '../writing/rowsHandle.ts';
import type { ContinuedPart } from './partFiles.ts';
import { readRows } from './readRows.ts';
import { completeCheckpoint } from './checkpoint.ts';
import type { EpochScope } from './epochScope.ts';
import type { Clock } from '../system/clock.ts';
import { forEachBounded } from '../system/concurrency.ts';
import { conditionKey } from '../job/conditionKeys.ts';
import type { Context } from '../job/context.ts';
import type { Publisher } from './publisher.ts';
import { retryDelayMs } from './retrying.ts';
import { isStoreAway } from './storeFailure.ts';

const NO_TAIL = new Uint8Array(0);
/** Encoding rows takes long: after so much of it, heartbeats have their turn. */
const TURN_MS = 10;
const TAKE_OVER_CONCURRENCY = 4;
/** First delay before the next attempt if the destination refused every file. */
const RETRY_FIRST_MS = 500;

export interface TakeOver {
  readonly context: Context;
  readonly partition: TopicPartition;
  readonly host: PartitionHost;
  readonly publisher: Publisher;
  readonly entryBytesMax: number;
  readonly scope: EpochScope;
  /**
   * Adopts a file that is continued. `isNewest`: of its bucket. If the file takes no records, resolves when
   * it is no longer held. Null if no file is continued: each is closed at its durable length.
   */
  readonly adopt: ((continued: ContinuedPart, file: ReopenedFile, isNewest: boolean) => Promise<void>) | null;
}

export interface ReopenedFile {
  readonly file: OpenFile;
  /** With the rows that the file does not hold yet; null if it holds lines. */
  readonly encoder: RowEncoder | null;
}

/** Resolves when every file of earlier epochs is committed, discarded or continued. */
export async function takeOver(takingOver: TakeOver): Promise<void> {
  const { host, publisher } = takingOver;
  const inherited = [...host.ledger.parts()];
  for (const part of inherited) if (part.status === 'pending') publisher.publish(part.context.partId, false);
  await discardAll(
    takingOver,
    inherited.filter((part) => part.status === 'discarding').map((part) => part.context),
  );
  await takeOverAll(
    takingOver,
    inherited.filter((part) => part.status === 'inProgress').map((part) => part.context),
  );
  await publisher.idle();
}

async function discardAll({ context, host }: TakeOver, parts: readonly PartFileContext[]): Promise<void> {
  await forEachBounded(parts, TAKE_OVER_CONCURRENCY, async (part) => {
    const names = withRowsFiles(part.format, [part.temporaryUri, ...part.staleUris]);
    await context.ports.store.discard(names, part.startHandle);
    await host.submit(() => [{ type: 'partDiscarded', partId: part.partId }]);
  });
}

function takeOverAll(takingOver: TakeOver, parts: readonly PartFileContext[]): Promise<void> {
  const { takeover } = takingOver.context.ports.store;
  return takingOver.adopt !== null && takeover.type === 'resume'
    ? resumeAll(takingOver, takeover, parts, takingOver.adopt)
    : finishAll(takingOver, parts);
}

/** Continues each file under a new journaled name. The newest of a bucket takes records, as before. */
async function resumeAll(
  takingOver: TakeOver,
  takeover: ResumingTakeover,
  parts: readonly PartFileContext[],
  adopt: NonNullable<TakeOver['adopt']>,
): Promise<void> {
  const newest = new Map(parts.map(({ bucket, partId: id }) => [bucket, id]));
  await forEachBounded(parts, TAKE_OVER_CONCURRENCY, async (part) => {
    const { log } = takingOver.context.ports;
    const durable = durableOf(part);
    const { toUri, ...reopened } = await resume(takingOver, takeover, part, durable);
    await adopt({ part, durable, toUri }, reopened, newest.get(part.bucket) === part.partId);
    log.info(
      { file: part.finalUri, bytes: durable.length, records: durable.records },
      'goes on with a file in progress',
    );
  });
}

/** Opens the file after its durable bytes, out of reach of earlier owners. */
async function resume(
  takingOver: TakeOver,
  takeover: ResumingTakeover,
  part: PartFileContext,
  durable: DurableFacts,
): Promise<ReopenedFile & { readonly toUri: string }> {
  // Interrupted takeovers may have moved it to any of these names, most likely to the last one.
  const from = { ...targetOf(part), formerUris: part.staleUris.toReversed() };
  const toUri = await journalMove(takingOver, part);
  const file = await patiently(takingOver, () => takeover.resume(from, withoutRows(durable), toUri));
  const encoder = await restoredRows(takingOver, part, durable, file);
  if (!takingOver.scope.isOver) return { file, encoder, toUri };
  await file.abandon();
  throw new TidemarkError('FENCED', `The epoch was over before ${toUri} was opened; it is left as it is.`);
}

/**
 * Retries a destination that refuses, with the name that is already journaled. If each attempt were a new
 * epoch with a new name, names would pile up in the journal until the destination accepts. Any other process
 * that moves the file there has claimed later.
 */
async function patiently<T>(takingOver: TakeOver, attempt: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isStoreAway(error)) throw error;
      await waitAfter(takingOver, error, failures);
    }
  }
}

/** The rows of the file as of its last checkpoint. Releases the file if they cannot be had. */
async function restoredRows(
  takingOver: TakeOver,
  part: PartFileContext,
  durable: DurableFacts,
  file: OpenFile,
): Promise<RowEncoder | null> {
  try {
    return await patiently(takingOver, () => readRows(takingOver.context.ports.store, part, durable));
  } catch (error) {
    await file.abandon();
    throw error;
  }
}

/**
 * Closes each file at its durable length, out of reach of earlier owners. Then one checkpoint makes them all
 * pending. If the destination refuses some (a full disk has no room for their copies), the others are
 * published first, which frees the originals. Then the rest is retried under the names that are already
 * journaled: a failed attempt leaves no file.
 */
async function finishAll(takingOver: TakeOver, parts: readonly PartFileContext[]): Promise<void> {
  const moves = new Map<PartId, string>();
  // Smallest first: with little space, some of them still succeed.
  let left = parts.toSorted((one, other) => lengthOf(one) - lengthOf(other));
  for (let failures = 0; left.length > 0;) {
    const { changes, refused, refusal } = await finishSome(takingOver, left, moves);
    if (changes.length > 0) await makePending(takingOver, changes);
    if (refusal === null) return;
    failures = changes.length > 0 ? 0 : failures + 1;
    if (failures > 0) await waitAfter(takingOver, refusal, failures);
    left = refused;
  }
}

interface Finished {
  readonly changes: readonly PartChange[];
  /** The files that were not finished, and why. */
  readonly refused: PartFileContext[];
  readonly refusal: TidemarkError | null;
}

async function finishSome(
  takingOver: TakeOver,
  parts: readonly PartFileContext[],
  moves: Map<PartId, string>,
): Promise<Finished> {
  const changes: PartChange[] = [];
  const refused: PartFileContext[] = [];
  let refusal: TidemarkError | null = null;
  await forEachBounded(parts, TAKE_OVER_CONCURRENCY, async (part) => {
    try {
      // A larger file needs no less space.
      if (refusal === null) changes.push(await finish(takingOver, part, moves));
      else refused.push(part);
    } catch (error) {
      const mayFollow = takingOver.context.ports.store.takeover.type === 'finish';
      if (!mayFollow || !isStoreAway(error)) throw error;
      refusal ??= error;
      refused.push(part);
    }
  });
  return { changes, refused, refusal };
}

async function makePending(takingOver: TakeOver, parts: readonly PartChange[]): Promise<void> {
  const { host, entryBytesMax, publisher } = takingOver;
  await completeCheckpoint(host, entryBytesMax, (facts) => ({
    nextOffset: facts.nextOffset ?? 0n,
    leaderEpoch: facts.leaderEpoch,
    leaderEpochStart: facts.leaderEpochStart,
    recordsRead: 0,
    recordsSkipped: { nullValue: 0 },
    parts: [...parts],
  }));
  await publisher.idle();
}

/** Waits before the next attempt. Rejects with the refusal if the epoch ends meanwhile. */
async function waitAfter(takingOver: TakeOver, refusal: TidemarkError, failures: number): Promise<void> {
  const delayMs = retryDelayMs(failures, RETRY_FIRST_MS);
  const { context, partition } = takingOver;
  context.health.dependencies.blamed(refusal);
  const condition = conditionOf('retried', partitionName(partition), refusal);
  context.health.conditions.raise(conditionKey.epoch(partition), condition);
  context.ports.log.warn(
    { err: refusal, failures, delayMs },
    'the destination refuses what is needed to take over a file in progress; trying again',
  );
  if (!(await takingOver.scope.pause(delayMs))) throw refusal;
}

const lengthOf = ({ durable }: PartFileContext): number => durable?.length ?? 0;

async function finish(
  takingOver: TakeOver,
  part: PartFileContext,
  names: Map<PartId, string>,
): Promise<PartChange> {
  const { store, clock, log } = takingOver.context.ports;
  const durable = durableOf(part);
  const { takeover } = store;
  const finished =
    takeover.type === 'resume'
      ? await finishReopened(await resume(takingOver, takeover, part, durable), durable, clock)
      : await finishApart(takingOver, takeover, part, durable, names);
  log.info(
    { file: part.finalUri, bytes: durable.length, records: durable.records },
    'took over a file in progress',
  );
  return {
    ...durable,
    ...finished,
    partId: part.partId,
    state: 'pending',
    roll: { reason: 'recovery', atMs: clock.wallMs() },
  };
}

async function finishReopened(
  { file, encoder }: ReopenedFile,
  durable: DurableFacts,
  clock: Clock,
): Promise<DurablePart> {
  try {
    const tail = await endOf(encoder, clock);
    if (tail.length > 0) await file.write(tail);
    return { ...withTail(durable, tail), handle: await file.closeForCommit() };
  } catch (error) {
    await file.abandon();
    throw error;
  }
}

async function finishApart(
  takingOver: TakeOver,
  takeover: FinishingTakeover,
  part: PartFileContext,
  durable: DurableFacts,
  names: Map<PartId, string>,
): Promise<DurablePart> {
  const { store, clock } = takingOver.context.ports;
  const { copies } = takeover;
  const named = names.get(part.partId);
  // The copy of an earlier attempt may exist, even though that attempt failed.
  if (named !== undefined) await store.discard([named], null);
  const toUri = copies ? (named ?? (await journalMove(takingOver, part))) : part.temporaryUri;
  if (copies) names.set(part.partId, toUri);
  const tail = await endOf(await readRows(store, part, durable), clock);
  const finished = await takeover.finish(targetOf(part), withoutRows(durable), { toUri, tail });
  if (!takingOver.scope.isOver) return finished;
  // The next owner may have discarded the name before the copy was made. Nobody would look for it again.
  if (copies) await store.discard([toUri], null);
  throw new TidemarkError('FENCED', `The epoch was over before ${toUri} was finished.`);
}

/** Journals the new name before anything exists under it. */
async function journalMove({ context, host }: TakeOver, part: PartFileContext): Promise<string> {
  // The folder of the journaled name, not of the current configuration: the file is published from there.
  const folder = folderOf(part.temporaryUri);
  const toUri = temporaryUri(folder, partId(context.ports.random.hexId()));
  await host.submit(() => [{ type: 'partMoved', partId: part.partId, fromUri: part.temporaryUri, toUri }]);
  return toUri;
}

/** What ends a file that holds rows; empty for one that holds lines. */
async function endOf(encoder: RowEncoder | null, clock: Clock): Promise<Uint8Array> {
  if (encoder === null) return NO_TAIL;
  const pages: Uint8Array[] = [];
  let sinceMs = clock.nowMs();
  for (const page of encoder.endGroup()) {
    pages.push(page);
    if (clock.nowMs() - sinceMs < TURN_MS) continue;
    await clock.pause(0);
    sinceMs = clock.nowMs();
  }
  return Buffer.concat([...pages, encoder.footer()]);
}

function targetOf({ partId: id, finalUri, temporaryUri: temporary }: PartFileContext): PartTarget {
  return { partId: id, finalUri, temporaryUri: temporary };
}

function durableOf({ durable, partId: id }: PartFileContext): DurableFacts {
  if (durable === null)
    throw new TidemarkError('INTERNAL', `Part file ${id} is in progress without durable facts.`);
  return durable;
}
