/**
 * P1: each record below a completed checkpoint's nextOffset is in exactly one part file that is, or will be,
 * committed.
 */
import type { ExpectedRecord, Violation } from '../schedule.ts';
import { cutLogViolations } from './cutLogs.ts';
import { everPublished, listed, violation, type Facts } from './facts.ts';
import { isGivenUp } from './harms.ts';
import { readJournal, type CheckpointView, type PartitionView } from './journalView.ts';

export function checkP1(trace: Facts): Violation[] {
  const published = everPublished(trace);
  return [...readJournal(trace.journal).values()].flatMap((view) => {
    const all = trace.expected[view.partition] ?? [];
    const earlier = trace.earlier[view.partition] ?? [];
    if (earlier.length > 0) {
      // Which log a record that is read again came from, the counts do not tell.
      if (view.repairs > 0) return [...unseen(view, trace), ...leaps(view)];
      const cut = cutLogViolations(view, { earlier, last: all }, published);
      return cut.length > 0 ? cut : [...unseen(view, trace), ...leaps(view)];
    }
    const expected = all.filter(({ offset }) => !isGivenUp(view, Number(offset)));
    const lost = lostRecords(view, expected, published);
    if (lost.length > 0) return lost;
    return [...countViolations(view, expected), ...unseen(view, trace), ...leaps(view)];
  });
}

/** Below nextOffset, never published, and in no part file that is still to be published. */
function lostRecords(
  { partition, checkpoints, parts, readAgainFrom }: PartitionView,
  expected: readonly ExpectedRecord[],
  published: ReadonlySet<string>,
): Violation[] {
  const nextOffset = readAgainFrom ?? Math.max(0, ...checkpoints.map((checkpoint) => checkpoint.nextOffset));
  const stillComing = [...parts.values()].flatMap(({ durable, ended }) =>
    durable !== null && ended === null ? [durable] : [],
  );
  const lost = expected
    .filter(({ offset, value }) => Number(offset) < nextOffset && !published.has(value))
    .map(({ offset }) => offset)
    .filter((offset) => !stillComing.some((held) => isWithin(Number(offset), held)));
  if (lost.length === 0) return [];
  const message =
    `partition ${partition}: a completed checkpoint counts everything below offset ${nextOffset}, ` +
    `but ${listed(lost)} ` +
    'can be found in no part file that is or will be committed';
  return [violation('P1', message, { partition, offsets: lost, files: committedAround(parts, lost) })];
}

/** Journaled as committed before readers could see it: if the publication fails, nobody retries it. */
function unseen({ partition, parts }: PartitionView, { visible }: Facts): Violation[] {
  return [...parts.values()].flatMap(({ ended, endedAtMs, finalUri, durable }) => {
    if (ended !== 'committed' || endedAtMs === null) return [];
    if (visible.some(({ uri, content, atMs }) => uri === finalUri && content !== null && atMs <= endedAtMs))
      return [];
    const message =
      `${finalUri} is journaled as committed at ${endedAtMs} ms, ` + 'when nothing stood under that name';
    const offsets = durable === null ? [] : [String(durable.firstOffset), String(durable.lastOffset)];
    return [violation('P1', message, { partition, offsets, files: [finalUri] })];
  });
}

/** An operator may give up offsets only from the next one on, never beyond offsets that nobody has read. */
function leaps({ partition, losses }: PartitionView): Violation[] {
  return losses.flatMap(({ atMs, fromOffset, toOffset, nextOffset }) => {
    if (fromOffset === nextOffset) return [];
    const message =
      `partition ${partition}: the loss of offsets ${fromOffset} to ${toOffset - 1} was accepted ` +
      `at ${atMs} ms, when offset ` +
      `${nextOffset} was the next one`;
    return [violation('P1', message, { partition, offsets: [String(nextOffset), String(fromOffset)] })];
  });
}

function isWithin(
  offset: number,
  held: { readonly firstOffset: number; readonly lastOffset: number },
): boolean {
  return held.firstOffset <= offset && offset <= held.lastOffset;
}

/** Files that should hold one of the offsets, according to a checkpoint. */
function committedAround(parts: PartitionView['parts'], offsets: readonly string[]): readonly string[] {
  return [...parts.values()].flatMap(({ durable, finalUri }) =>
    durable !== null && offsets.some((offset) => isWithin(Number(offset), durable)) ? [finalUri] : [],
  );
}

/** The first checkpoint that goes back, or whose part files do not hold all records below nextOffset. */
function countViolations(
  { partition, checkpoints }: PartitionView,
  expected: readonly ExpectedRecord[],
): Violation[] {
  let before = 0;
  for (const checkpoint of checkpoints) {
    const { nextOffset, fromOffset, recordsHeld, number, isExact } = checkpoint;
    if (nextOffset < fromOffset) {
      const message =
        `partition ${partition}: ` +
        `checkpoint ${number} goes back from offset ${fromOffset} to ${nextOffset}`;
      return [violation('P1', message, { partition, offsets: [String(nextOffset)] })];
    }
    const below = expected.filter(({ offset }) => Number(offset) < nextOffset);
    if (isExact && recordsHeld !== below.length) {
      const since = below.filter(({ offset }) => Number(offset) >= before).map(({ offset }) => offset);
      return [
        violation('P1', countMessage(partition, checkpoint, below.length), { partition, offsets: since }),
      ];
    }
    before = nextOffset;
  }
  return [];
}

function countMessage(
  partition: number,
  { number, atMs, nextOffset, recordsHeld }: CheckpointView,
  records: number,
): string {
  return (
    `partition ${partition}: checkpoint ${number} at ${atMs} ms counts everything below offset ` +
    `${nextOffset}, ` +
    `which is ${records} records with a value; its part files hold ${recordsHeld}`
  );
}
