/**
 * Settling: what a new owner does with what earlier epochs left, derived from the state alone. Pending files are committed, files
 * in progress are taken out of reach of earlier owners at their durable length and, as the store can, closed there or gone on
 * with; the rest is discarded.
 */
import { folderOf, temporaryUri } from '../../actors/naming.ts';
import type { DurableFacts } from '../../actors/facts.ts';
import type { PartitionHost } from '../../actors/host.ts';
import type { PartFileContext } from '../../actors/partFile.ts';
import type { PartChange } from '../../journal/events.ts';
import { TidemarkError } from '../../journal/errors.ts';
import { partId } from '../../journal/ids.ts';
import type { OpenFile, PartTarget, StoreHandle } from '../stores/port.ts';
import { completeCheckpoint } from './checkpoint.ts';
import { forEachBounded } from './concurrency.ts';
import type { Context } from './options.ts';
import type { Publisher } from './publisher.ts';

const SETTLE_CONCURRENCY = 4;

export interface Settling {
  readonly context: Context;
  readonly host: PartitionHost;
  readonly publisher: Publisher;
  readonly entryBytesMax: number;
  /** Whether the epoch is over, so that nothing of what is done here will count. */
  readonly isOver: () => boolean;
  /** Takes up a file that goes on: `isNewest` of its bucket. Null where none does: each is closed at its durable length. */
  readonly adopt:
    ((part: PartFileContext, durable: DurableFacts, file: OpenFile, isNewest: boolean) => void) | null;
}

/** Resolves when nothing of an earlier epoch is left but what is committed, and what goes on. */
export async function settle(settling: Settling): Promise<void> {
  const { host, publisher } = settling;
  const inherited = [...host.ledger.parts()];
  for (const part of inherited) if (part.status === 'pending') publisher.publish(part.context.partId, false);
  await discardAll(
    settling,
    inherited.filter((part) => part.status === 'discarding').map((part) => part.context),
  );
  await takeOverAll(
    settling,
    inherited.filter((part) => part.status === 'inProgress').map((part) => part.context),
  );
  await publisher.idle();
}

async function discardAll({ context, host }: Settling, parts: readonly PartFileContext[]): Promise<void> {
  await forEachBounded(parts, SETTLE_CONCURRENCY, async (part) => {
    await context.ports.store.discard([part.temporaryUri, ...part.staleUris], part.startHandle);
    await host.submit(() => [{ type: 'partDiscarded', partId: part.partId }]);
  });
}

function takeOverAll(settling: Settling, parts: readonly PartFileContext[]): Promise<void> {
  const { adopt, context } = settling;
  return adopt !== null && context.ports.store.capabilities.takeover === 'resume'
    ? resumeAll(settling, parts, adopt)
    : finishAll(settling, parts);
}

/** Goes on with each file, under a new journaled name. The newest of a bucket takes records, as it did before. */
async function resumeAll(
  settling: Settling,
  parts: readonly PartFileContext[],
  adopt: NonNullable<Settling['adopt']>,
): Promise<void> {
  const newest = new Map(parts.map(({ bucket, partId: id }) => [bucket, id]));
  await forEachBounded(parts, SETTLE_CONCURRENCY, async (part) => {
    const { log } = settling.context.ports;
    const durable = durableOf(part);
    const file = await resume(settling, part, durable);
    adopt(part, durable, file, newest.get(part.bucket) === part.partId);
    log.info(
      { file: part.finalUri, bytes: durable.length, records: durable.records },
      'goes on with a file in progress',
    );
  });
}

/** Opened behind its durable bytes, out of reach of earlier owners. */
async function resume(settling: Settling, part: PartFileContext, durable: DurableFacts): Promise<OpenFile> {
  // Interrupted takeovers may have moved it to any of these names, the last one most likely.
  const from = { ...targetOf(part), formerUris: part.staleUris.toReversed() };
  const toUri = await journalMove(settling, part);
  const file = await settling.context.ports.store.recover(from, durable, toUri);
  if (!settling.isOver()) return file;
  await file.abandon();
  throw new TidemarkError('FENCED', `The epoch was over before ${toUri} was opened; it is left as it is.`);
}

/** Closes each file at its durable bytes, out of reach of earlier owners; then one checkpoint makes them all pending. */
async function finishAll(settling: Settling, parts: readonly PartFileContext[]): Promise<void> {
  if (parts.length === 0) return;
  const changes: PartChange[] = [];
  await forEachBounded(parts, SETTLE_CONCURRENCY, async (part) => {
    changes.push(await finish(settling, part));
  });
  const { host, entryBytesMax } = settling;
  await completeCheckpoint(host, entryBytesMax, (facts) => ({
    nextOffset: facts.nextOffset ?? 0n,
    leaderEpoch: facts.leaderEpoch,
    recordsRead: 0,
    recordsSkipped: { nullValue: 0 },
    parts: changes,
  }));
}

async function finish(settling: Settling, part: PartFileContext): Promise<PartChange> {
  const { store, clock, log } = settling.context.ports;
  const durable = durableOf(part);
  const handle =
    store.capabilities.takeover === 'resume'
      ? await (await resume(settling, part, durable)).closeForCommit()
      : await finishCopy(settling, part, durable);
  log.info(
    { file: part.finalUri, bytes: durable.length, records: durable.records },
    'took over a file in progress',
  );
  return {
    ...durable,
    partId: part.partId,
    state: 'pending',
    handle,
    roll: { reason: 'recovery', atMs: clock.wallMs() },
  };
}

async function finishCopy(
  settling: Settling,
  part: PartFileContext,
  durable: DurableFacts,
): Promise<StoreHandle> {
  const { store } = settling.context.ports;
  const moves = store.capabilities.takeoverMoves;
  const toUri = moves ? await journalMove(settling, part) : part.temporaryUri;
  const handle = await store.finish(targetOf(part), durable, toUri);
  if (!settling.isOver()) return handle;
  // The next owner may have discarded the name before the copy was made: nobody would look for it again.
  if (moves) await store.discard([toUri], null);
  throw new TidemarkError('FENCED', `The epoch was over before ${toUri} was finished.`);
}

/** The name is journaled before anything stands under it. */
async function journalMove({ context, host }: Settling, part: PartFileContext): Promise<string> {
  // The folder of the journaled name, not of today's configuration: the file is published from there.
  const folder = folderOf(part.temporaryUri);
  const toUri = temporaryUri(folder, partId(context.ports.random.hexId()));
  await host.submit(() => [{ type: 'partMoved', partId: part.partId, fromUri: part.temporaryUri, toUri }]);
  return toUri;
}

function targetOf({ partId: id, finalUri, temporaryUri: temporary }: PartFileContext): PartTarget {
  return { partId: id, finalUri, temporaryUri: temporary };
}

function durableOf({ durable, partId: id }: PartFileContext): DurableFacts {
  if (durable === null)
    throw new TidemarkError('INTERNAL', `Part file ${id} is in progress without durable facts.`);
  return durable;
}
