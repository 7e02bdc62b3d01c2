/** P2: a reader of committed names sees no record twice, none torn, and none that can be taken back. */
import type { Violation, VisibleChange } from '../schedule.ts';
import { linesOf, listed, parseValue, violation, type Facts } from './facts.ts';
import { readJournal, type PartitionView, type PartView } from './journalView.ts';

export function checkP2(trace: Facts): Violation[] {
  const logs = [...trace.expected, ...trace.earlier.flatMap((logs) => logs.map(({ records }) => records))];
  const known = new Set(logs.flatMap((records) => records.map(({ value }) => value)));
  const isBack = trace.harms.some(({ type }) => type === 'journalBack');
  const views = readJournal(trace.journal);
  const parts = partsByName(views);
  const forgetting = new Forgetting(views);
  /** The file that shows a value now. */
  const shownBy = new Map<string, string>();
  return trace.visible.flatMap((change) => {
    const { uri, type, content } = change;
    forgetting.before(change, shownBy);
    // A reader has seen what it has taken: the same record again would be a duplicate.
    if (content === null && type !== 'taken') {
      for (const [line, file] of shownBy) if (file === uri) shownBy.delete(line);
    }
    if (type !== 'appeared' || content === null) return [];
    const named = parts.get(uri) ?? [];
    return [
      ...contentViolations(uri, content, known),
      ...twice(uri, content, shownBy),
      // A journal that went back has forgotten what it had closed.
      ...(isBack ? [] : canBeTakenBack(change, content, named)),
    ];
  });
}

/**
 * After an operator has answered for a journal that went back, readers must remove what they took before: it
 * is read again.
 */
class Forgetting {
  readonly #views: ReadonlyMap<number, PartitionView>;
  /** When a value was taken with its file: another file may have that name later. */
  readonly #taken = new Map<string, number>();

  constructor(views: ReadonlyMap<number, PartitionView>) {
    this.#views = views;
  }

  before({ uri, type, atMs, content }: VisibleChange, shownBy: Map<string, string>): void {
    if (type === 'taken')
      for (const [line, file] of shownBy)
        if (file === uri && !this.#taken.has(line)) this.#taken.set(line, atMs);
    if (type !== 'appeared' || content === null || this.#taken.size === 0) return;
    const partition = parseValue(linesOf(content).lines[0] ?? '')?.partition ?? -1;
    const answered = (this.#views.get(partition)?.journalAnswers ?? []).filter(
      (answer) => answer.atMs <= atMs,
    );
    for (const line of linesOf(content).lines) {
      const takenAtMs = this.#taken.get(line);
      if (takenAtMs === undefined || !answered.some((answer) => answer.atMs >= takenAtMs)) continue;
      shownBy.delete(line);
      this.#taken.delete(line);
    }
  }
}

interface NamedPart {
  readonly part: PartView;
  readonly partition: number;
}

/** A name that was given up with its part may be given to another one. */
function partsByName(journal: ReadonlyMap<number, PartitionView>): ReadonlyMap<string, readonly NamedPart[]> {
  const named = new Map<string, NamedPart[]>();
  for (const { partition, parts } of journal.values()) {
    for (const part of parts.values()) {
      named.set(part.finalUri, [...(named.get(part.finalUri) ?? []), { part, partition }]);
    }
  }
  return named;
}

function contentViolations(uri: string, content: string, known: ReadonlySet<string>): Violation[] {
  const { lines, torn } = linesOf(content);
  const found: Violation[] = [];
  if (torn !== '' || lines.length === 0) {
    const where =
      lines.length === 0 && torn === '' ? 'is empty' : `ends in the middle of a record: "${torn}"`;
    found.push(violation('P2', `${uri} ${where}`, { ...concerned(lines.slice(-1)), files: [uri] }));
  }
  const foreign = lines.filter((line) => !known.has(line));
  if (foreign.length > 0) {
    const message = `${uri} holds what no record that readers may see has: ${listed(foreign)}`;
    found.push(violation('P2', message, { ...concerned(foreign), files: [uri] }));
  }
  return found;
}

function twice(uri: string, content: string, shownBy: Map<string, string>): Violation[] {
  const doubled: string[] = [];
  const files = new Set([uri]);
  for (const line of linesOf(content).lines) {
    const other = shownBy.get(line);
    if (other === undefined) shownBy.set(line, uri);
    else {
      doubled.push(line);
      files.add(other);
    }
  }
  if (doubled.length === 0) return [];
  const message = `${listed(doubled)} can be seen twice, in ${[...files].join(' and ')}`;
  return [violation('P2', message, { ...concerned(doubled), files: [...files] })];
}

/** Only what a completed checkpoint has closed may be published, with exactly the length that it says. */
function canBeTakenBack(
  { uri, atMs, lengthBytes: ofFile }: VisibleChange,
  content: string,
  named: readonly NamedPart[],
): Violation[] {
  const lengthBytes = ofFile ?? Buffer.byteLength(content);
  const closed = named.filter(({ part }) => part.pendingAtMs !== null && part.pendingAtMs <= atMs);
  if (closed.some(({ part }) => part.durable?.lengthBytes === lengthBytes)) return [];
  const lines = linesOf(content).lines;
  const message =
    closed.length === 0
      ? `${uri} was published at ${atMs} ms, before any completed checkpoint closed it: it can be taken back`
      : `${uri} was published with ${lengthBytes} bytes, the checkpoint that closed it says ` +
        listed(closed.map(({ part }) => String(part.durable?.lengthBytes ?? 0)));
  return [violation('P2', message, { ...concerned(lines), files: [uri] })];
}

/** The partition and offsets that the lines name. */
function concerned(lines: readonly string[]): { partition: number | null; offsets: readonly string[] } {
  const values = lines.flatMap((line) => parseValue(line) ?? []);
  return {
    partition: values[0]?.partition ?? null,
    offsets: values.map(({ offset }) => String(offset)),
  };
}
