import { describe, expect, test } from 'vitest';
import { JournalFailure } from '../../../journal/failure.ts';
import type { Clock } from '../../../src/system/clock.ts';
import { ConditionBoard, conditionOf, type Condition } from '../../../src/telemetry/conditions.ts';
import { silentLog } from '../../../src/telemetry/log.ts';

const MINUTE_MS = 60_000;

/** A clock that stands until it is moved; timers run when their time comes. */
function standingClock() {
  let nowMs = 0;
  let timers: { readonly atMs: number; readonly callback: () => void }[] = [];
  const clock: Clock = {
    nowMs: () => nowMs,
    wallMs: () => 1_000_000 + nowMs,
    pause: () => Promise.resolve(),
    timer: (delayMs, callback) => {
      const timer = { atMs: nowMs + delayMs, callback };
      timers.push(timer);
      return { cancel: () => (timers = timers.filter((each) => each !== timer)) };
    },
  };
  const pass = (ms: number): void => {
    const endMs = nowMs + ms;
    for (;;) {
      const next = timers.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > endMs) break;
      timers = timers.filter((each) => each !== next);
      nowMs = next.atMs;
      next.callback();
    }
    nowMs = endMs;
  };
  return { clock, pass, timersLeft: () => timers.length };
}

function bench() {
  const { clock, pass, timersLeft } = standingClock();
  const lines: string[] = [];
  const log = { ...silentLog, warn: (_fields: object, message: string) => lines.push(message) };
  return { board: new ConditionBoard({ clock, log }), lines, pass, timersLeft };
}

const stopped = (about: string): Condition => ({
  ...{ kind: 'stopped', about, code: 'SOURCE_RANGE_LOST', message: 'Offsets are gone.' },
  help: 'Accept the loss.',
});

describe('what lasts', () => {
  test('is told again once a minute, with its code, since when, and what helps, until it is over', () => {
    const { board, lines, pass } = bench();
    board.raise('a', stopped('clicks/0'));
    pass(MINUTE_MS - 1);
    expect(lines).toEqual([]);
    pass(1);
    expect(lines).toEqual([
      'clicks/0 is still stopped, since 1970-01-01T00:16:40.000Z: SOURCE_RANGE_LOST: Offsets are gone. ' +
        'What helps: Accept the loss.',
    ]);
    pass(3 * MINUTE_MS);
    expect(lines.length).toBe(4);
    board.clear('a');
    pass(10 * MINUTE_MS);
    expect(lines.length).toBe(4);
  });

  test('each has its own minute, and one that is raised again goes on as the same', () => {
    const { board, lines, pass } = bench();
    board.raise('a', stopped('clicks/0'));
    pass(30_000);
    board.raise('b', stopped('clicks/1'));
    board.raise('a', stopped('clicks/0'));
    expect(board.list().map(({ about, sinceMs, times }) => [about, sinceMs, times])).toEqual([
      ['clicks/0', 1_000_000, 2],
      ['clicks/1', 1_030_000, 1],
    ]);
    pass(30_000);
    expect(lines.map((line) => line.slice(0, 8))).toEqual(['clicks/0']);
    pass(30_000);
    expect(lines.map((line) => line.slice(0, 8))).toEqual(['clicks/0', 'clicks/1']);
  });

  test('another code under the same key is another condition', () => {
    const { board, pass } = bench();
    board.raise('a', stopped('clicks/0'));
    pass(1_000);
    board.raise('a', { ...stopped('clicks/0'), code: 'SOURCE_BEYOND_END' });
    expect(board.list()).toMatchObject([{ code: 'SOURCE_BEYOND_END', sinceMs: 1_001_000, times: 1 }]);
  });

  test('one that is told for a while passes by itself', () => {
    const { board, lines, pass, timersLeft } = bench();
    board.raise('a', stopped('clicks/0'), 2.5 * MINUTE_MS);
    pass(10 * MINUTE_MS);
    expect(lines.length).toBe(2);
    expect(board.list()).toEqual([]);
    expect(timersLeft()).toBe(0);
  });

  test('of very many each minute tells some and counts the rest', () => {
    const { board, lines, pass } = bench();
    for (let number = 0; number < 130; number += 1) board.raise(String(number), stopped(`clicks/${number}`));
    pass(MINUTE_MS);
    expect(lines.length).toBe(101);
    expect(lines.at(-1)).toBe('30 more conditions go on: see `tidemark status`.');
  });

  test('keeps neither a timer nor anything else when it is over or ended', () => {
    const { board, lines, pass, timersLeft } = bench();
    board.raise('a', stopped('clicks/0'));
    board.clear('a');
    expect(timersLeft()).toBe(0);
    board.raise('a', stopped('clicks/0'));
    board.end();
    board.raise('b', stopped('clicks/1'));
    pass(10 * MINUTE_MS);
    expect([lines, board.list(), timersLeft()]).toEqual([[], [], 0]);
  });

  test('however many are raised, their number is bounded', () => {
    const { board } = bench();
    for (let number = 0; number < 30_000; number += 1) board.raise(String(number), stopped('clicks/0'));
    expect(board.list().length).toBe(20_000);
  });

  test('an error of ours brings its code and its advice, another one its own words', () => {
    const error = new JournalFailure('full', 'The stream is full.');
    expect(conditionOf('retried', 'An entry', error)).toEqual({
      ...{ kind: 'retried', about: 'An entry', code: 'JOURNAL_FULL', message: 'The stream is full.' },
      help: 'Make room where the journal is, as the message says; Tidemark keeps trying.',
    });
    expect(conditionOf('retried', 'An entry', new Error('oops'))).toMatchObject({
      code: 'UNKNOWN',
      message: 'oops',
    });
  });
});
