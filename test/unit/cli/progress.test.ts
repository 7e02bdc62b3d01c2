import { describe, expect, test } from 'vitest';
import type { RunProgress } from '../../../src/app/contract.ts';
import { formatBytes, formatCount, formatNoun } from '../../../src/telemetry/format.ts';
import { silentLog } from '../../../src/telemetry/log.ts';
import { createLoggedProgress, createTerminalProgress, progressLine } from '../../../src/cli/progress.ts';
import { createScreen } from '../../../src/telemetry/screen.ts';

const PROGRESS: RunProgress = {
  recordsRead: 1234,
  bytesWritten: 5 * 1024 * 1024,
  partitions: 4,
  openFiles: 2,
  pendingFiles: 1,
  committedFiles: 3,
  lag: 10n,
};

const ERASE_LINE = '\r\u001b[2K';

/** A terminal of 100 columns that shows what its escape sequences leave on it. */
function terminal(columns = 100) {
  const written: string[] = [];
  return {
    columns,
    isTTY: true,
    write: (text: string) => written.push(text),
    written,
    shown(): string[] {
      return written
        .join('')
        .split('\n')
        .map((line) => line.split(ERASE_LINE).at(-1) ?? '');
    },
  };
}

describe('progress on a terminal', () => {
  test('is one line, redrawn at most five times a second', () => {
    const output = terminal();
    let nowMs = 0;
    const display = createTerminalProgress(createScreen(output), () => nowMs);
    for (; nowMs <= 1000; nowMs += 10) display.update({ ...PROGRESS, recordsRead: nowMs });
    expect(output.written).toHaveLength(6);
    expect(output.shown()).toHaveLength(1);
    expect(output.shown()[0]).toMatch(/^1,000 records \(5\.0 MiB, 1,000\/s\) · files: /);
  });

  test('is never mixed with log lines, and gone at the end', () => {
    const output = terminal();
    const screen = createScreen(output);
    const display = createTerminalProgress(screen, () => 0);
    screen.writeLines('before\n');
    display.update(PROGRESS);
    screen.writeLines('one\ntwo\n');
    expect(output.shown()).toEqual(['before', 'one', 'two', expect.stringContaining('1,234 records')]);
    display.end();
    screen.writeLines('after\n');
    expect(output.shown()).toEqual(['before', 'one', 'two', 'after', '']);
  });

  test('never wraps', () => {
    const output = terminal(20);
    createTerminalProgress(createScreen(output), () => 0).update(PROGRESS);
    expect(output.shown()[0]).toHaveLength(19);
  });

  test('leaves out a lag that is not known', () => {
    expect(progressLine(PROGRESS, 50)).toBe(
      '1,234 records (5.0 MiB, 50/s) · files: 2 open, 1 pending, 3 committed · lag 10 · 4 partitions',
    );
    expect(progressLine({ ...PROGRESS, lag: null, partitions: 1, openFiles: 1 }, null)).toBe(
      '1,234 records (5.0 MiB) · files: 1 open, 1 pending, 3 committed · 1 partition',
    );
  });
});

test('progress without a terminal is a log line every ten seconds', () => {
  const lines: object[] = [];
  let nowMs = 500;
  const display = createLoggedProgress({ ...silentLog, info: (fields) => lines.push(fields) }, () => nowMs);
  for (; nowMs <= 30_600; nowMs += 100) display.update({ ...PROGRESS, recordsRead: nowMs });
  display.end();
  expect(lines).toEqual([10_500, 20_500, 30_500].map((recordsRead) => ({ ...PROGRESS, recordsRead })));
});

test('numbers for people', () => {
  expect(formatCount(1_234_567n)).toBe('1,234,567');
  expect(formatNoun(1, 'file')).toBe('1 file');
  expect(formatNoun(0, 'file')).toBe('0 files');
  expect([0, 1023, 1024, 1536, 150_000, 5 * 1024 ** 3, 3 * 1024 ** 5].map(formatBytes)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 KiB',
    '146 KiB',
    '5.0 GiB',
    '3072 TiB',
  ]);
});
