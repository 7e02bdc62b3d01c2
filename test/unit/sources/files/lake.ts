/** A folder with files to read, a clock whose pauses take no time, and a log that is kept. */
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { TidemarkError, type ErrorCode } from '../../../../journal/errors.ts';
import type { Clock } from '../../../../src/system/clock.ts';
import { createFileSource, type FileSourceOptions } from '../../../../src/sources/files/source.ts';
import type { PartitionFeed, Source } from '../../../../src/sources/port.ts';
import type { Log } from '../../../../src/telemetry/log.ts';

/** Time passes by waiting, at once. */
export function leapingClock(): Clock {
  let nowMs = 0;
  const timer: Clock['timer'] = (delayMs, callback) => {
    const immediate = setImmediate(() => {
      nowMs += delayMs;
      callback();
    });
    return {
      cancel: () => {
        clearImmediate(immediate);
      },
    };
  };
  return {
    nowMs: () => nowMs,
    wallMs: () => 1_700_000_000_000 + nowMs,
    timer,
    pause: (delayMs) =>
      new Promise((resolve) => {
        timer(delayMs, resolve);
      }),
  };
}

export interface Lake {
  readonly dir: string;
  readonly warnings: string[];
  readonly infos: string[];
  path(name: string): string;
  write(name: string, content: string | Buffer): Promise<string>;
  append(name: string, content: string): Promise<void>;
  source(options?: Partial<FileSourceOptions>): Source;
  dispose(): Promise<void>;
}

export async function newLake(): Promise<Lake> {
  const dir = await mkdtemp(join(tmpdir(), 'tidemark-source-'));
  const sources: Source[] = [];
  const warnings: string[] = [];
  const infos: string[] = [];
  const drop = (): void => undefined;
  const log: Log = {
    debug: drop,
    info: (_fields, message) => infos.push(message),
    warn: (_fields, message) => warnings.push(message),
    error: drop,
    child: () => log,
  };
  const path = (name: string): string => join(dir, name);
  return {
    dir,
    warnings,
    infos,
    path,
    write: async (name, content) => {
      await mkdir(dirname(path(name)), { recursive: true });
      await writeFile(path(name), content);
      return path(name);
    },
    append: (name, content) => appendFile(path(name), content),
    source: (options = {}) => {
      const defaults = { baseDir: dir, pattern: '*.ndjson', time: null, clock: leapingClock(), log };
      const source = createFileSource({ ...defaults, ...options });
      sources.push(source);
      return source;
    },
    dispose: async () => {
      for (const source of sources) await source.stop();
      await rm(dir, { recursive: true });
    },
  };
}

export interface Line {
  readonly offset: number;
  readonly value: string;
  readonly timestampMs: number;
}

/** Pulls until `count` records came, checking that batches follow one another. */
export async function pull(feed: PartitionFeed, count: number): Promise<Line[]> {
  const lines: Line[] = [];
  let expected: bigint | null = null;
  while (lines.length < count) {
    const batch = await feed.next();
    if (expected !== null && batch.fetchedOffset !== expected) throw new Error('a gap between two batches');
    const cursor = batch.records();
    const before = lines.length;
    while (cursor.next()) {
      if (cursor.keyStart !== -1) throw new Error('a file has no keys');
      lines.push({
        offset: Number(cursor.baseOffset) + cursor.offsetDelta,
        value: cursor.valueBytes.toString('latin1', cursor.valueStart, cursor.valueEnd),
        timestampMs: cursor.timestampMs,
      });
    }
    if (BigInt(lines.length - before) !== batch.nextOffset - batch.fetchedOffset) {
      throw new Error('the batch says another number of lines than it holds');
    }
    expected = batch.nextOffset;
  }
  return lines;
}

export const values = (lines: readonly Line[]): string[] => lines.map((line) => line.value);

export async function failureOf(call: Promise<unknown>, code: ErrorCode): Promise<TidemarkError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof TidemarkError && error.code === code) return error;
    throw error;
  }
  throw new Error(`it did not fail with ${code}`);
}

export const at = (topic: string) => ({ topic, partition: 0 });
