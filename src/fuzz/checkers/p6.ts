/** P6: what cannot be kept stops that partition with an error that names it. Never silent; and never where all can be kept. */
import type { Violation } from '../schedule.ts';
import { violation, type Facts } from './facts.ts';
import { readJournal } from './journalView.ts';

export function checkP6(trace: Facts): Violation[] {
  return [...stops(trace), ...exits(trace), ...alarms(trace), ...unhandled(trace), ...miscounts(trace)];
}

/** No fault of a schedule takes away what was promised to be kept: every stop is one too many. */
function stops({ stopped, journal }: Facts): Violation[] {
  const journaled = [...readJournal(journal).values()].flatMap((view) =>
    view.stops.map(({ code, message, files }) => {
      const text = `partition ${view.partition} is stopped though everything can be kept: ${code}: ${message}`;
      return violation('P6', text, { partition: view.partition, files });
    }),
  );
  const reported = stopped.map(({ process, partition, code, message }) => {
    const number = Number(partition.slice(partition.lastIndexOf('/') + 1));
    const text = `partition ${number} is stopped in ${process} though everything can be kept: ${code}: ${message}`;
    return violation('P6', text, { partition: number });
  });
  // The journal names files; a stop that could not be journaled is known from the process alone.
  return journaled.length > 0 ? journaled : reported;
}

/** What a process may end with while something is away. */
const PASSING: readonly (string | null)[] = [
  'STOP_INCOMPLETE',
  'JOURNAL_UNAVAILABLE',
  'JOURNAL_FULL',
  'STORE_UNAVAILABLE',
  'STORE_OUTCOME_UNKNOWN',
  'KAFKA_UNAVAILABLE',
];

function exits({ exits: ended, fired }: Facts): Violation[] {
  const isCalm = !fired.includes(true);
  return ended.flatMap(({ process, atMs, error }) => {
    if (error === null || (!isCalm && PASSING.includes(error.code))) return [];
    const text = `${process} ended at ${atMs} ms with ${error.code ?? 'an error without a code'}: ${error.message}`;
    return [violation('P6', isCalm ? `${text}; no fault had taken place` : text)];
  });
}

/** What is logged as an error asks a person to come; here is nothing that one could do. */
function alarms({ alarms: logged, stopped }: Facts): Violation[] {
  if (stopped.length > 0) return [];
  return logged.map(({ process, code, message, detail }) => {
    const what = `${process} logs an error though everything can be kept: ${message}: ${code ?? '-'}: ${detail}`;
    return violation('P6', what);
  });
}

function unhandled({ unhandled: reasons }: Facts): Violation[] {
  return reasons.map((reason) => violation('P6', `a promise was rejected and nobody handled it: ${reason}`));
}

/** What a checkpoint skipped is told: read less skipped are the records with a value. */
function miscounts({ journal, expected }: Facts): Violation[] {
  return [...readJournal(journal).values()].flatMap(({ partition, checkpoints }) => {
    const records = expected[partition] ?? [];
    const wrong = checkpoints.find(({ recordsRead, recordsSkipped, nextOffset }) => {
      const below = records.filter(({ offset }) => Number(offset) < nextOffset).length;
      return recordsRead - recordsSkipped !== below;
    });
    if (wrong === undefined) return [];
    const { number, recordsRead, recordsSkipped, nextOffset } = wrong;
    const text =
      `partition ${partition}: up to checkpoint ${number} the journal counts ${recordsRead} records read and ` +
      `${recordsSkipped} skipped below offset ${nextOffset}, which is not what lies there`;
    return [violation('P6', text, { partition, offsets: [String(nextOffset)] })];
  });
}
