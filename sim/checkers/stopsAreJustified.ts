/**
 * P6: what cannot be kept stops its partition with an error that names it. Never silently, and never if
 * everything can be kept.
 */
import type { Schedule, Violation } from '../schedule.ts';
import { ASLEEP_MS } from '../job/settings.ts';
import { lifeConfig } from '../job/change.ts';
import { answerViolations } from './answers.ts';
import { contentOf, isInRows } from '../job/content.ts';
import { heldMax } from '../simMemory.ts';
import { divergences } from './cutLogs.ts';
import { listed, violation, type Facts } from './facts.ts';
import { isRefusedLife, refusalViolations } from './refusals.ts';
import { isGivenUp, isRightStop } from './harms.ts';
import { readJournal, type PartitionView } from './journalView.ts';
import { namesPileUp } from './names.ts';

export function checkP6(trace: Facts): Violation[] {
  return [
    ...stops(trace),
    ...exits(trace),
    ...alarms(trace),
    ...unhandled(trace),
    ...miscounts(trace),
    ...falseTruncations(trace),
    ...stopsForGivenUp(trace),
    ...unasked(trace),
    ...brokenClaims(trace),
    ...owedByRetired(trace),
    ...unrolled(trace),
    ...handles(trace),
    ...borrowed(trace),
    ...answerViolations(trace),
    ...refusalViolations(trace),
    ...namesPileUp(trace),
  ];
}

/** If no fault of the schedule destroys what was promised, every stop is wrong. */
function stops({ stopped, journal, harms }: Facts): Violation[] {
  const journaled = [...readJournal(journal).values()].flatMap((view) =>
    view.stops.flatMap(({ atMs, code, message, files }) => {
      if (isRightStop(harms, code, view.partition) && !isAnswered(view, harms, atMs)) return [];
      const text =
        `partition ${view.partition} is stopped though everything can be kept: ` + `${code}: ${message}`;
      return [violation('P6', text, { partition: view.partition, files })];
    }),
  );
  const reported = stopped.flatMap(({ process, partition, code, message }) => {
    const number = Number(partition.slice(partition.lastIndexOf('/') + 1));
    if (isRightStop(harms, code, number)) return [];
    const text =
      `partition ${number} is stopped in ${process} though everything can be kept: ` + `${code}: ${message}`;
    return [violation('P6', text, { partition: number })];
  });
  // The journal names files; a stop that could not be journaled is known from the process alone.
  return journaled.length > 0 ? journaled : reported;
}

/** The rollback was answered for and nothing was taken away since: no reason to stop is left. */
function isAnswered({ journalAnswers }: PartitionView, harms: Facts['harms'], atMs: number): boolean {
  const answered = journalAnswers.filter((answer) => answer.atMs < atMs).at(-1);
  if (answered === undefined) return false;
  return harms.every((harm) => harm.type === 'journalBack' && harm.atMs < answered.atMs);
}

/** Codes with which a process may end while a service is away. */
const PASSING: readonly (string | null)[] = [
  'STOP_INCOMPLETE',
  'JOURNAL_UNAVAILABLE',
  'JOURNAL_FULL',
  'STORE_UNAVAILABLE',
  'STORE_OUTCOME_UNKNOWN',
  'SOURCE_UNAVAILABLE',
];

function exits({ exits: ended, fired, harms, lives }: Facts): Violation[] {
  const isCalm = !fired.includes(true);
  return ended.flatMap(({ process, atMs, error }) => {
    if (error === null || (!isCalm && PASSING.includes(error.code))) return [];
    if (isRightStop(harms, error.code, null)) return [];
    if (error.code === 'SINK_CHANGED' && isRefusedLife(lives, process)) return [];
    const text =
      `${process} ended at ${atMs} ms ` + `with ${error.code ?? 'an error without a code'}: ${error.message}`;
    return [violation('P6', isCalm ? `${text}; no fault had taken place` : text)];
  });
}

/** An error line calls for a person; here there is nothing that a person could do. */
function alarms({ alarms: logged, stopped, harms }: Facts): Violation[] {
  if (stopped.length > 0 && harms.length === 0) return [];
  return logged.flatMap(({ process, code, message, detail }) => {
    if (isRightStop(harms, code, null)) return [];
    const what =
      `${process} logs an error though everything can be kept: ` + `${message}: ${code ?? '-'}: ${detail}`;
    return [violation('P6', what)];
  });
}

/** A stop is final until an operator decides, even if others claim the partition meanwhile. */
function unasked({ journal, harms }: Facts): Violation[] {
  return [...readJournal(journal).values()].flatMap(({ partition, behindStop }) => {
    const first = behindStop.find(
      ({ atMs, type }) => type === 'partOpened' || !mayRetire(harms, partition, atMs),
    );
    if (first === undefined) return [];
    const text =
      `partition ${partition} was stopped, and went on at ${first.atMs} ms without an operator: ` +
      first.type;
    return [violation('P6', text, { partition })];
  });
}

/** An unnamed partition may be published although it is stopped, or it stops again for that reason. */
function mayRetire(harms: Facts['harms'], partition: number, atMs: number): boolean {
  return harms.some(
    (harm) =>
      (harm.type === 'deploy' || harm.type === 'deleteTopic') &&
      harm.partition === partition &&
      harm.atMs <= atMs,
  );
}

/** Retired means that nothing is owed: readers of the journal look for nothing more. */
function owedByRetired({ journal }: Facts): Violation[] {
  return [...readJournal(journal).values()].flatMap(({ partition, retiredOwing }) =>
    retiredOwing.map(({ atMs, files }) => {
      const text =
        `partition ${partition} was retired at ${atMs} ms though it owed ${files.length} part ` +
        `files: ${listed(files)}`;
      return violation('P6', text, { partition, files });
    }),
  );
}

/**
 * A partition with a broken journal is not claimed: a broken claimer fences nobody. A claimer that had
 * replayed the journal before may have slept until now.
 */
function brokenClaims({ journal, harms, schedule }: Facts): Violation[] {
  const sleptMs = sleepsMs(schedule);
  // A journal that went back may have lost the changed entry, too.
  if (harms.some(({ type }) => type === 'journalBack')) return [];
  const views = readJournal(journal);
  return harms.flatMap(({ partition, noClaimFromMs }) => {
    if (noClaimFromMs === undefined || partition === null) return [];
    const claimedAtMs = views.get(partition)?.claimsAtMs.find((atMs) => atMs >= noClaimFromMs + sleptMs);
    if (claimedAtMs === undefined) return [];
    const text =
      `partition ${partition} was claimed at ${claimedAtMs} ms, though an entry of its journal ` +
      'had been changed';
    return [violation('P6', text, { partition })];
  });
}

/** The second checkpoint after a roll request closes the files; the first may have been cut before it. */
function unrolled({ journal }: Facts): Violation[] {
  return [...readJournal(journal).values()].flatMap(({ partition, answers, checkpoints }) =>
    answers.flatMap(({ type, atMs, epoch, inProgress }) => {
      if (type !== 'rollRequested') return [];
      const [, second] = checkpoints.filter((one) => one.epoch === epoch && one.atMs > atMs);
      const left = inProgress.filter((partId) => second?.inProgress.has(partId));
      if (left.length === 0) return [];
      const text =
        `partition ${partition} took up at ${atMs} ms that its files are to be rolled; at ` +
        `${second?.atMs ?? 0} ms ` +
        `${listed(left)} took records still`;
      return [violation('P6', text, { partition })];
    }),
  );
}

/** How long processes can have slept, all together. */
function sleepsMs({ faults }: Schedule): number {
  return faults.reduce((sum, fault) => {
    if (fault.type === 'pause' || fault.type === 'freeze') return sum + fault.forMs;
    return fault.type === 'store' && fault.fault === 'asleep' ? sum + ASLEEP_MS : sum;
  }, 0);
}

/** A process closes what it opens, and holds no more files than allowed. */
function handles({ held, exits: ended, schedule, lives }: Facts): Violation[] {
  const configs = new Map(lives.map(({ process, change }) => [process, lifeConfig(schedule.config, change)]));
  // A life may take over files of rows from any other.
  const hasRows = [schedule.config, ...configs.values()].some((config) => isInRows(contentOf(config)));
  return held.flatMap(({ process, left, most }) => {
    const limit = heldMax(configs.get(process) ?? schedule.config);
    const parts = limit + schedule.workload.partitions.length * HELD_MORE;
    const mostMax = hasRows ? parts * FILES_WITH_ROWS : parts;
    const inOrder = ended.some((exit) => exit.process === process && exit.error === null);
    if (inOrder && left > 0)
      return [violation('P6', `${process} ended in order, and still held ${left} files open`)];
    if (most <= mostMax) return [];
    return [violation('P6', `${process} held ${most} files open at once; it may hold ${limit}`)];
  });
}

/** Buffers, and the counts that enforce limits, are returned. */
function borrowed({ lent }: Facts): Violation[] {
  return lent.map(({ process, what }) =>
    violation('P6', `${process} ended in order, and has not given back ${what.join(' and ')}`),
  );
}

/** Files over the limit: takeovers of one partition, and one that is opened if none can be rolled. */
const HELD_MORE = 4;
/** A part file of rows, and the rows file beside it. */
const FILES_WITH_ROWS = 2;

function unhandled({ unhandled: reasons }: Facts): Violation[] {
  return reasons.map((reason) => violation('P6', `a promise was rejected and nobody handled it: ${reason}`));
}

/** A checkpoint reports what it skipped: read minus skipped are the records with a value. */
function miscounts({ journal, expected, earlier }: Facts): Violation[] {
  return [...readJournal(journal).values()].flatMap((view) => {
    const { partition, checkpoints } = view;
    const records = (expected[partition] ?? []).filter(({ offset }) => !isGivenUp(view, Number(offset)));
    const isCut = (earlier[partition] ?? []).length > 0;
    const wrong = checkpoints.find(({ recordsRead, recordsSkipped, recordsHeld, nextOffset, isExact }) => {
      if (!isExact) return false;
      // P1 checks what a log held that was cut.
      const below = isCut ? recordsHeld : records.filter(({ offset }) => Number(offset) < nextOffset).length;
      return recordsRead - recordsSkipped !== below;
    });
    if (wrong === undefined) return [];
    const { number, recordsRead, recordsSkipped, nextOffset } = wrong;
    const text =
      `partition ${partition}: up to checkpoint ${number} the journal counts ${recordsRead} ` +
      'records read and ' +
      `${recordsSkipped} skipped below offset ${nextOffset}, which is not what lies there`;
    return [violation('P6', text, { partition, offsets: [String(nextOffset)] })];
  });
}

/** What an operator gave up, or what is in files, stops nothing any more. */
function stopsForGivenUp({ journal, harms }: Facts): Violation[] {
  if (harms.some(({ type }) => type === 'journalBack')) return [];
  return [...readJournal(journal).values()].flatMap(({ partition, stops: stopped }) =>
    stopped.flatMap(({ code, atMs, fromOffset, nextOffset }) => {
      if (code !== 'SOURCE_RANGE_LOST' || fromOffset === null || fromOffset >= nextOffset) return [];
      const text =
        `partition ${partition} is stopped at ${atMs} ms because it lacks offsets from ${fromOffset} on; ` +
        `offset ${nextOffset} was the next one`;
      return [violation('P6', text, { partition, offsets: [String(fromOffset)] })];
    }),
  );
}

/** A truncated log is reported only if it lost checkpointed records, and with the exact offset. */
function falseTruncations({ journal, earlier, harms }: Facts): Violation[] {
  if (harms.some(({ type }) => type === 'replaceTopic')) return [];
  return [...readJournal(journal).values()].flatMap(({ partition, stops: stopped }) =>
    stopped.flatMap(({ code, atMs, countedTo: nextOffset, divergedAt, givenUpFrom }) => {
      if (code !== 'SOURCE_TRUNCATED') return [];
      const right = divergences(earlier[partition] ?? [], atMs);
      const isCut = [...right].some((cutAt) => cutAt < nextOffset);
      // For given-up offsets nobody knows their log: only the current end of the log can be reported.
      if (divergedAt !== null && divergedAt < nextOffset && isCut) {
        if (right.has(divergedAt) || (givenUpFrom !== null && givenUpFrom <= divergedAt)) return [];
      }
      const text =
        `partition ${partition} is stopped at ${atMs} ms since its log went back to ` +
        `${String(divergedAt)}; offset ${nextOffset} was the ` +
        `next one, and it was cut at ${listed([...right].map(String))}`;
      return [violation('P6', text, { partition, offsets: [String(divergedAt)] })];
    }),
  );
}
