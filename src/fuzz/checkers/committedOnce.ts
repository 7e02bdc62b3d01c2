/** Whether a run committed each record exactly once and in order, changed nothing that was committed, and ended as it should. */
import type { RunTrace, Violation } from '../schedule.ts';

type Facts = Omit<RunTrace, 'violations'>;

export function checkCommittedOnce(trace: Facts): Violation[] {
  return [...contentViolations(trace), ...changeViolations(trace), ...endViolations(trace)];
}

function violation(
  invariant: Violation['invariant'],
  message: string,
  concerned: Partial<Pick<Violation, 'partition' | 'offsets' | 'files'>> = {},
): Violation {
  return { partition: null, offsets: [], files: [], ...concerned, invariant, message };
}

/** Where each value stands, by value. */
function contentViolations({ visible, expected }: Facts): Violation[] {
  const files = new Map<string, string>();
  for (const { uri, content } of visible) {
    if (content === null) files.delete(uri);
    else files.set(uri, content);
  }
  const found: Violation[] = [];
  const places = new Map<string, string[]>();
  for (const [uri, content] of files) {
    if (!content.endsWith('\n'))
      found.push(violation('P2', `${uri} ends in the middle of a record`, { files: [uri] }));
    let before = -1;
    for (const line of content.split('\n').slice(0, -1)) {
      places.set(line, [...(places.get(line) ?? []), uri]);
      const offset = Number(line.slice(line.indexOf(':') + 1));
      if (offset <= before)
        found.push(violation('P3', `${uri} holds ${line} behind ${before}`, { files: [uri] }));
      before = offset;
    }
  }
  for (const [partition, records] of expected.entries()) {
    for (const { offset, value } of records) {
      const uris = places.get(value) ?? [];
      places.delete(value);
      if (uris.length === 1) continue;
      const invariant = uris.length === 0 ? 'P1' : 'P2';
      const message = `${value} is committed ${uris.length} times`;
      found.push(violation(invariant, message, { partition, offsets: [offset], files: uris }));
    }
  }
  for (const [line, uris] of places) {
    found.push(violation('P2', `"${line}" is committed, which no visible record holds`, { files: uris }));
  }
  return found;
}

function changeViolations({ visible }: Facts): Violation[] {
  return visible
    .filter(({ type }) => type !== 'appeared')
    .map(({ uri, type, atMs }) => violation('P4', `${uri} was ${type} at ${atMs} ms`, { files: [uri] }));
}

function endViolations(trace: Facts): Violation[] {
  const { completeAtMs, healedAtMs, endedAtMs, leftovers, stopped, exits, unhandled } = trace;
  const found: Violation[] = [];
  if (completeAtMs === null) {
    const message = `not everything was committed by ${endedAtMs} ms; the faults had ended at ${healedAtMs} ms`;
    found.push(violation('P5', message, { files: leftovers }));
  }
  for (const { process, partition, code, message } of stopped) {
    found.push(violation('P6', `${partition} is stopped in ${process} without cause: ${code}: ${message}`));
  }
  for (const { process, error } of exits) {
    if (error !== null && !PASSING.includes(error.code ?? '')) {
      found.push(
        violation('P6', `${process} ended with ${error.code ?? 'an unknown error'}: ${error.message}`),
      );
    }
  }
  for (const message of unhandled) found.push(violation('P6', `a rejection that nobody handled: ${message}`));
  return found;
}

/** What a process may end with while something is away. */
const PASSING = [
  'STOP_INCOMPLETE',
  'JOURNAL_UNAVAILABLE',
  'JOURNAL_FULL',
  'STORE_UNAVAILABLE',
  'STORE_OUTCOME_UNKNOWN',
  'KAFKA_UNAVAILABLE',
];
