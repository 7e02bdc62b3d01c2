/**
 * What part files should hold of a log that was cut. The journal does not say which of the logs a checkpoint
 * read. So a path assigns each range of offsets to a log that existed by then, and moves on to a later log
 * only if that log still held what had been read. Of the paths that match the counts, the check uses the one
 * that misses least.
 */
import type { EarlierLog, ExpectedRecord, Violation } from '../schedule.ts';
import { listed, violation } from './facts.ts';
import type { CheckpointView, PartitionView } from './journalView.ts';

interface LogAt {
  readonly fromMs: number;
  /** From this offset on, the next log lacks its records; Infinity for the last one. */
  readonly cutAt: number;
  readonly records: readonly ExpectedRecord[];
}

interface Way {
  readonly log: number;
  readonly missing: readonly ExpectedRecord[];
}

/** P1 of a partition whose log was cut. `isThere`: in a part file that is, or will be, committed. */
export function cutLogViolations(
  view: PartitionView,
  logs: { readonly earlier: readonly EarlierLog[]; readonly last: readonly ExpectedRecord[] },
  published: ReadonlySet<string>,
): Violation[] {
  const { partition, checkpoints } = view;
  const all = logsInOrder(logs);
  let ways: readonly Way[] = [{ log: 0, missing: [] }];
  let heldBefore = 0;
  for (const checkpoint of checkpoints) {
    const grown = checkpoint.recordsHeld - heldBefore;
    heldBefore = checkpoint.recordsHeld;
    const isThere = (record: ExpectedRecord): boolean =>
      published.has(record.value) || isComing(view, checkpoint.generation, Number(record.offset));
    const next = onwards(all, ways, checkpoint, grown, isThere);
    if (next.length === 0) return [noWay(partition, all, checkpoint, grown)];
    ways = next;
  }
  const [best] = ways.toSorted((a, b) => a.missing.length - b.missing.length);
  const missing = best?.missing ?? [];
  if (missing.length === 0) return [];
  const offsets = missing.map(({ offset }) => offset);
  const message =
    `partition ${partition}, whose log was cut: completed checkpoints count ` +
    `${listed(missing.map(({ value }) => value))}, which can be ` +
    'found in no part file that is or will be committed';
  return [violation('P1', message, { partition, offsets })];
}

function logsInOrder(logs: Parameters<typeof cutLogViolations>[1]): LogAt[] {
  let fromMs = 0;
  const earlier = logs.earlier.map(({ untilMs, cutAt, records }) => {
    const log = { fromMs, cutAt, records };
    fromMs = untilMs;
    return log;
  });
  return [...earlier, { fromMs, cutAt: Infinity, records: logs.last }];
}

/** The best path to each log that the checkpoint may have read. */
function onwards(
  logs: readonly LogAt[],
  ways: readonly Way[],
  checkpoint: CheckpointView,
  grown: number,
  isThere: (record: ExpectedRecord) => boolean,
): Way[] {
  return logs.flatMap((log, index) => {
    if (log.fromMs > checkpoint.atMs) return [];
    const records = recordsBetween(log, checkpoint);
    if (records.length !== grown) return [];
    const from = ways
      .filter((way) => way.log <= index && heldUntil(logs, way.log, index) >= checkpoint.readTo)
      .toSorted((a, b) => a.missing.length - b.missing.length)[0];
    if (from === undefined) return [];
    const missing = records.filter((record) => !isThere(record));
    return [{ log: index, missing: [...from.missing, ...missing] }];
  });
}

/** The end of the range in which both hold the same. */
function heldUntil(logs: readonly LogAt[], one: number, other: number): number {
  return Math.min(Infinity, ...logs.slice(one, other).map(({ cutAt }) => cutAt));
}

function recordsBetween({ records }: LogAt, { fromOffset, nextOffset }: CheckpointView): ExpectedRecord[] {
  return records.filter(({ offset }) => fromOffset <= Number(offset) && Number(offset) < nextOffset);
}

function isComing({ parts }: PartitionView, generation: number, offset: number): boolean {
  return [...parts.values()].some(
    (part) =>
      part.generation === generation &&
      part.ended === null &&
      part.durable !== null &&
      part.durable.firstOffset <= offset &&
      offset <= part.durable.lastOffset,
  );
}

function noWay(
  partition: number,
  logs: readonly LogAt[],
  checkpoint: CheckpointView,
  grown: number,
): Violation {
  const { number, atMs, fromOffset, nextOffset, readTo } = checkpoint;
  const there = logs.filter(({ fromMs }) => fromMs <= atMs);
  const counts = there.map((log) => String(recordsBetween(log, checkpoint).length));
  const cuts = there.slice(0, -1).map(({ cutAt }) => String(cutAt));
  const message =
    `partition ${partition}, whose log was cut at ${listed(cuts)}: checkpoint ${number} at ` +
    `${atMs} ms counts ${grown} records in offsets ` +
    `${fromOffset} to ${nextOffset - 1}, behind what was read up to ${readTo}; the logs held ` +
    `${listed(counts)} there, and none of them ` +
    'may have been read so';
  return violation('P1', message, { partition, offsets: [String(fromOffset), String(nextOffset)] });
}

/**
 * Offsets to which a log may rightly be said to have gone back at that time: the minimum of consecutive cuts.
 * Which cuts were seen depends on when the log was read, and on when it was checked.
 */
export function divergences(earlier: readonly EarlierLog[], atMs: number): ReadonlySet<number> {
  const cuts = earlier.filter(({ untilMs }) => untilMs <= atMs).map(({ cutAt }) => cutAt);
  return new Set(
    cuts.flatMap((_, from) =>
      cuts.slice(from).map((_cut, count) => Math.min(...cuts.slice(from, from + count + 1))),
    ),
  );
}
