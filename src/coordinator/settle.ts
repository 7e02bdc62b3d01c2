/**
 * Settling: what a new owner does with what earlier epochs left, derived from the state alone. Pending files are committed,
 * files in progress are closed at their durable length in a copy that no earlier owner can reach, the rest is discarded.
 */
import { temporaryUri } from '../../actors/naming.ts';
import type { PartitionHost } from '../../actors/host.ts';
import type { PartFileContext } from '../../actors/partFile.ts';
import type { PartChange } from '../../journal/events.ts';
import { TidemarkError } from '../../journal/errors.ts';
import { partId } from '../../journal/ids.ts';
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
}

/** Resolves when nothing of an earlier epoch is left but what is committed. */
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
    await context.ports.store.discard([part.temporaryUri, ...part.staleUris], null);
    await host.submit(() => [{ type: 'partDiscarded', partId: part.partId }]);
  });
}

/** Copies each file's durable bytes to a new journaled name; then one checkpoint makes them all pending. */
async function takeOverAll(settling: Settling, parts: readonly PartFileContext[]): Promise<void> {
  if (parts.length === 0) return;
  const changes: PartChange[] = [];
  await forEachBounded(parts, SETTLE_CONCURRENCY, async (part) => {
    changes.push(await takeOver(settling, part));
  });
  const { host, entryBytesMax } = settling;
  await completeCheckpoint(host, entryBytesMax, (facts) => ({
    nextOffset: facts.nextOffset ?? 0n,
    recordsRead: 0,
    recordsSkipped: { nullValue: 0 },
    parts: changes,
  }));
}

async function takeOver({ context, host, isOver }: Settling, part: PartFileContext): Promise<PartChange> {
  const { store, random, clock, log } = context.ports;
  const { durable } = part;
  if (durable === null) throw new Error(`Part file ${part.partId} is in progress without durable facts.`);
  // The folder of the journaled name, not of today's configuration: the copy is linked from there.
  const folder = part.temporaryUri.slice(0, part.temporaryUri.lastIndexOf('/'));
  const toUri = temporaryUri({ sinkUri: folder, prefix: '', suffix: '' }, '', partId(random.hexId()));
  await host.submit(() => [{ type: 'partMoved', partId: part.partId, fromUri: part.temporaryUri, toUri }]);
  const target = { partId: part.partId, finalUri: part.finalUri, temporaryUri: part.temporaryUri };
  const handle = await store.finish(target, durable, toUri);
  if (isOver()) {
    // The next owner may have discarded the name before the copy was made: nobody would look for it again.
    await store.discard([toUri], null);
    throw new TidemarkError('FENCED', `The epoch was over before ${toUri} was made; it is removed again.`);
  }
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
