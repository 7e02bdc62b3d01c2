/**
 * A repair: what an owner needs to know before it has the records of damaged part files read again. Every
 * doubt is a refusal: a record that is read again must go where it was, and only if no other file holds it.
 */
import type { PartFileContext } from '../../actors/partFile.ts';
import type { PartitionContext } from '../../actors/partition.ts';
import type { EventOf } from '../../journal/events.ts';
import { TidemarkError } from '../../journal/errors.ts';
import { partitionName, type PartId } from '../../journal/ids.ts';
import type { Context } from '../job/context.ts';
import { placingOf } from '../job/placing.ts';
import { journaledEpoch } from '../sources/readEpoch.ts';
import { isCodeOfDamage } from '../stores/failure.ts';
import { cutBelow } from './cutLog.ts';
import { findDamage } from './damage.ts';
import { inPieces, SHARE_OF_ENTRY } from './checkpointPieces.ts';
import { jumpTo, type Jump } from './jump.ts';
import type { PartitionHost } from './partitionHost.ts';
import { checkCluster, type PartitionTask } from './partitionTask.ts';
import { readRepairHistory } from './repairHistory.ts';
import { formatNames } from '../telemetry/format.ts';

/** What an id takes in an entry, and more. */
const ID_BYTES = 64;

export interface RepairPlan {
  readonly damaged: readonly PartId[];
  readonly jump: Jump;
  readonly placing: string;
  readonly givenUp: EventOf<'partitionRewound'>['givenUp'];
}

export interface Repairing {
  readonly context: Context;
  readonly task: PartitionTask;
  readonly host: PartitionHost;
}

/** Why the stop cannot be repaired, as far as the journal tells; null if it may be. */
export function refusedRepair({ stop }: Pick<PartitionContext, 'stop'>): string | null {
  if (stop === null) return 'The partition is not stopped: there is nothing to repair.';
  if (isCodeOfDamage(stop.code)) return null;
  return `It is stopped for ${stop.code}, which is no damage of its files: mend the cause, then resume it.`;
}

/** Or why not. Rejects with what is no answer of the source or the destination. */
export async function planRepair(repairing: Repairing, notTaken: boolean): Promise<RepairPlan | string> {
  try {
    return await plan(repairing, notTaken);
  } catch (error) {
    const isAnswer = error instanceof TidemarkError && /^(STORE|SOURCE)_/.test(error.code);
    if (!isAnswer || error.retry === 'fenced') throw error;
    return `Whether it can be repaired is not known, and nothing was changed: ${error.message}`;
  }
}

async function plan(repairing: Repairing, notTaken: boolean): Promise<RepairPlan | string> {
  const { context, task, host } = repairing;
  const { facts } = host.ledger;
  if (task.purpose === 'retire')
    return 'The source no longer names the partition: its records cannot be read again.';
  const { reading, unpublished } = context.ports.store;
  if (!reading.showsUnpublished && unpublished === undefined)
    return 'The destination does not show files before they are published.';
  const { damaged, gone, foreign } = await findDamage(context.ports.store, context.ports.clock, host.ledger);
  if (foreign.length > 0)
    return (
      'Files with other bytes are at the final names of closed files that are gone: ' +
      `${formatNames(foreign)}. They were published and changed since, or are of somebody else: ` +
      'move them away, then ask again.'
    );
  if (gone.length > 0 && !notTaken)
    return (
      `These files were closed, and are gone under every name: ${formatNames(gone)}. They may have ` +
      'been published, and taken away by a reader: then their records would be written twice. Put them ' +
      'back under their final names and resume; or, if it is certain that no reader has taken them, ask ' +
      'again with --not-taken.'
    );
  const later = damaged.filter(({ generation }) => generation !== facts.generation);
  if (later.length > 0)
    return `The log was replaced since these were read: ${formatNames(finalNames(later))}.`;
  const nextOffset = firstOf(damaged, facts.nextOffset ?? 0n);
  if (damaged.length === 0 || nextOffset === null)
    return (
      'All bytes that the journal counts are there: nothing is damaged. Do what the stop says, then ' +
      'resume.'
    );
  const refusal = await refusedSource(repairing, damaged, nextOffset);
  if (refusal !== null) return refusal;
  const history = await readRepairHistory(repairing, damaged);
  if (typeof history === 'string') return history;
  const jump = await jumpTo(context.ports.source, task.partition, nextOffset);
  if (typeof jump === 'string') return jump;
  const ids = damaged.map(({ partId }) => partId);
  const placing = placingOf(context.settings.effectiveConfig);
  return {
    damaged: ids,
    jump,
    placing,
    givenUp: history.givenUp.filter(({ toOffset }) => toOffset > nextOffset),
  };
}

/** Null if no file is damaged. */
function firstOf(damaged: readonly PartFileContext[], nextOffset: bigint): bigint | null {
  let first: bigint | null = null;
  for (const { durable } of damaged) {
    const offset = durable?.firstOffset ?? nextOffset;
    if (first === null || offset < first) first = offset;
  }
  return first !== null && nextOffset < first ? nextOffset : first;
}

/** Why the source cannot give the same records again; null if it can. */
async function refusedSource(
  { context, task, host }: Repairing,
  damaged: readonly PartFileContext[],
  nextOffset: bigint,
): Promise<string | null> {
  const { source } = context.ports;
  const { partition, topicId } = task;
  const { facts } = host.ledger;
  if (!context.settings.assigner(partition).isKnownAgain(source.kind === 'kafka'))
    return 'The folders of this job are chosen by the time of writing: records cannot be put there again.';
  checkCluster(task);
  await source.verifyIdentity(partition.topic, topicId);
  const range = (await source.ranges(partition.topic))[partition.partition];
  if (range === undefined) return `The source does not have ${partitionName(partition)}.`;
  if (range.startOffset > nextOffset) return noLongerThere(damaged, nextOffset, range.startOffset);
  if ((await source.isCompacted?.(partition.topic)) === true)
    return 'The topic is compacted: records of the damaged files may be gone from it.';
  const read = facts.repair?.read ?? facts;
  const untilOffset = facts.repair?.untilOffset ?? facts.nextOffset ?? 0n;
  const cut = await cutBelow(source, task, { offset: untilOffset, read: journaledEpoch(read) });
  if (cut !== null) return `The log is not the one that was read. ${cut.message}`;
  // A file has no leader epochs, and behind an accepted loss they may not be known.
  return range.endOffset >= untilOffset
    ? null
    : `The source ends at offset ${range.endOffset}, and was read up to ${untilOffset}: ask again when it ` +
        'has all of that.';
}

function noLongerThere(damaged: readonly PartFileContext[], from: bigint, startOffset: bigint): string {
  const lost = damaged.filter(({ durable }) => durable !== null && durable.firstOffset < startOffset);
  const records = lost.reduce((sum, { durable }) => sum + (durable?.records ?? 0), 0);
  return (
    `The source no longer has offsets ${from} to ${startOffset - 1n}; it begins at ${startOffset}. ` +
    `Restore ${formatNames(finalNames(lost))} (up to ${records} records), then resume.`
  );
}

/** Journals the ids that the rewind's own entry has no room for, and returns it with the rest. */
export async function journalDamaged(
  host: PartitionHost,
  requestId: number,
  { damaged, jump, placing, givenUp }: RepairPlan,
  entryBytesMax: number,
): Promise<EventOf<'partitionRewound'>> {
  const pieces = inPieces(damaged, entryBytesMax * SHARE_OF_ENTRY, () => ID_BYTES);
  const parts = pieces.pop() ?? [];
  for (const [index, piece] of pieces.entries())
    await host.submit(() => [{ type: 'partsDamaged', requestId, index, parts: piece }]);
  return {
    ...{ type: 'partitionRewound', requestId, nextOffset: jump.nextOffset, placing },
    ...{ givenUp: [...givenUp], damagedParts: pieces.length, parts },
  };
}

/** While a range is read again, records have to go where they were. */
export function checkPlacing(
  { partition }: Pick<PartitionTask, 'partition'>,
  { repair, nextOffset }: Pick<PartitionContext, 'repair' | 'nextOffset'>,
  config: Context['settings']['effectiveConfig'],
): void {
  if (repair === null || repair.placing === placingOf(config)) return;
  const name = partitionName(partition);
  const { untilOffset } = repair;
  throw new TidemarkError(
    'REPAIR_INTERRUPTED',
    `${name} is being repaired: offsets ${nextOffset ?? 0n} to ${untilOffset - 1n} are read again, by the ` +
      'folders and the content that the job had. It has others now. Set them back until the repair is ' +
      'done, then resume.',
    { fields: { partition: name, nextOffset, untilOffset } },
  );
}

const finalNames = (files: readonly PartFileContext[]): string[] => files.map(({ finalUri }) => finalUri);
