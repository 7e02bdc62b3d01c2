/** The lines of a file, and those that the source's records would be, in step: where they differ. */
import { hash } from 'node:crypto';
import type { FetchedBatch, RecordCursor } from '../../sources/port.ts';
import { eachLine, linesOf } from './lineSums.ts';
import type { RecordRule } from './recordRule.ts';
import { batchesOf, visitRecords, type RangeToRead } from './sourceRecords.ts';

/** How far the two are searched for the place from which on they agree again, in lines. */
const AHEAD_MAX = 1_000;

export interface Line {
  readonly digest: string;
}

export interface RecordLine extends Line {
  readonly offset: bigint;
  /** Offsets without a record, since the line before. */
  readonly holesBefore: bigint;
}

const digestOf = (line: Uint8Array): string => hash('sha256', line, 'base64');

export async function* fileLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  for await (const line of linesOf(chunks)) yield { digest: digestOf(line) };
}

/** Lines of the records that have one in the file. A value with line feeds is several lines. */
export async function* recordLines(
  range: RangeToRead,
  lineOf: (cursor: RecordCursor, offset: bigint) => RecordRule['line'] | null,
): AsyncGenerator<RecordLine> {
  let next = range.from;
  let holes = 0n;
  for await (const batch of batchesOf(range)) {
    const lines: RecordLine[] = [];
    await visitRecords(batch, range, (cursor, offset) => {
      holes += offset - next;
      next = offset + 1n;
      const line = lineOf(cursor, offset);
      if (line === null) return;
      const value = line.bytes.subarray(line.start, line.end);
      eachLine(value, (from, to) => {
        lines.push({ digest: digestOf(value.subarray(from, to)), offset, holesBefore: holes });
        holes = 0n;
      });
    });
    yield* lines;
    holes += holesAtEnd(batch, next, range.to);
    next = endOf(batch, range.to);
  }
}

const endOf = ({ nextOffset }: FetchedBatch, to: bigint): bigint => (nextOffset < to ? nextOffset : to);

function holesAtEnd(batch: FetchedBatch, next: bigint, to: bigint): bigint {
  const end = endOf(batch, to);
  return end > next ? end - next : 0n;
}

export type LineDifference =
  | { readonly type: 'missing'; readonly record: RecordLine }
  /** `before`: the record that follows in the source; null at the end. `line` counts from 1. */
  | { readonly type: 'unexpected'; readonly line: number; readonly before: RecordLine | null };

/** Both are read once. Where they differ, the nearest place is taken from which on they agree. */
export async function* differencesOf(
  records: AsyncGenerator<RecordLine>,
  lines: AsyncGenerator<Line>,
): AsyncGenerator<LineDifference> {
  const expected = new Ahead(records);
  const found = new Ahead(lines);
  let line = 1;
  try {
    for (;;) {
      const record = await expected.first();
      const actual = await found.first();
      if (record === undefined && actual === undefined) return;
      if (record !== undefined && record.digest === actual?.digest) {
        expected.take(1);
        found.take(1);
        line += 1;
        continue;
      }
      await Promise.all([expected.fill(), found.fill()]);
      const { missing, unexpected } = nearest(expected, found, record, actual);
      for (const lost of expected.take(missing)) yield { type: 'missing', record: lost };
      for (const _ of found.take(unexpected))
        yield { type: 'unexpected', line: line++, before: record ?? null };
    }
  } finally {
    await Promise.all([records.return(undefined), lines.return(undefined)]);
  }
}

/** How many of each do not stand in the other. */
function nearest(
  expected: Ahead<RecordLine>,
  found: Ahead<Line>,
  record: Line | undefined,
  actual: Line | undefined,
): { readonly missing: number; readonly unexpected: number } {
  if (actual === undefined) return { missing: expected.size, unexpected: 0 };
  if (record === undefined) return { missing: 0, unexpected: found.size };
  const missing = expected.find(actual);
  const unexpected = found.find(record);
  if (missing === -1 && unexpected === -1) return { missing: 1, unexpected: 1 };
  if (unexpected === -1 || (missing !== -1 && missing <= unexpected)) return { missing, unexpected: 0 };
  return { missing: 0, unexpected };
}

/** What comes next, as far as it was looked at. */
class Ahead<T extends Line> {
  readonly #source: AsyncGenerator<T>;
  #items: T[] = [];
  #isOver = false;

  constructor(source: AsyncGenerator<T>) {
    this.#source = source;
  }

  get size(): number {
    return this.#items.length;
  }

  async first(): Promise<T | undefined> {
    if (this.#items.length === 0) await this.#more();
    return this.#items[0];
  }

  async fill(): Promise<void> {
    while (this.#items.length < AHEAD_MAX && !this.#isOver) await this.#more();
  }

  /** Place of an equal line; -1 if there is none so near. */
  find({ digest }: Line): number {
    return this.#items.findIndex((item) => item.digest === digest);
  }

  take(count: number): readonly T[] {
    return this.#items.splice(0, count);
  }

  async #more(): Promise<void> {
    if (this.#isOver) return;
    const next = await this.#source.next();
    if (next.done === true) this.#isOver = true;
    else this.#items.push(next.value);
  }
}
