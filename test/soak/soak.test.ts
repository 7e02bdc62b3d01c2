/** What the soak's own checks must not overlook. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SeededRandom } from '../../sim/random.ts';
import { CommittedWatch, countRecords } from './count.ts';
import { drawFault, FAULT_KINDS } from './faults.ts';
import { growthLines } from './growth.ts';
import { readOptions } from './options.ts';
import type { SoakResult } from './soak.ts';
import { problemsOf, soakLines } from './verdict.ts';

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-count-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.join(folder, path.dirname(name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  return folder;
}

describe('the count', () => {
  it('finds every number once', async () => {
    const folder = folderWith({ 'a/x': '0:0\n0:1\n', 'b/y': '1:0\n', '.tidemark/soak/id': 'j' });
    expect(await countRecords(folder, [2, 1])).toEqual({
      ...{ records: 3, files: 2, givenUp: 0, lost: 0, doubled: 0, examples: [], oddities: [] },
    });
  });

  it('names what is lost, doubled, out of order, never sent and left over', async () => {
    const folder = folderWith({ x: '0:1\n0:0\n', y: '0:1\n0:9\n', '.tidemark-1': '0:2\n' });
    const count = await countRecords(folder, [3]);
    expect(count).toMatchObject({ lost: 1, doubled: 1, examples: ['0:1 2 times', '0:2 0 times'] });
    expect(count.oddities.toSorted()).toEqual(
      ['.tidemark-1 is left over', 'x: 0 follows 1', 'y: "0:9" was never sent'].toSorted(),
    );
  });

  it('excuses what an answer gave up where it is in no file, and nothing else', async () => {
    const folder = folderWith({ x: '0:1\n', y: '0:1\n', '.tidemark-1': '0:2\n', '.tidemark-2': '0:2\n' });
    const givenUp = [{ partition: 0, from: 1, to: 3 }];
    const count = await countRecords(folder, [4], { givenUp, orphans: new Set(['.tidemark-1']) });
    expect(count).toMatchObject({ givenUp: 1, lost: 2, doubled: 1 });
    expect(count.examples).toEqual(['0:0 0 times', '0:1 2 times', '0:3 0 times']);
    expect(count.oddities).toEqual(['.tidemark-2 is left over']);
  });

  it('bears that a committed file is moved away by an operator', async () => {
    const folder = folderWith({ x: '0:1\n' });
    const watch = new CommittedWatch(folder);
    await watch.look();
    watch.forget('x');
    rmSync(path.join(folder, 'x'));
    expect(await watch.look()).toEqual([]);
  });

  it('sees that a committed file changes or goes', async () => {
    const folder = folderWith({ x: '0:1\n', y: '0:2\n', z: '0:3\n' });
    const watch = new CommittedWatch(folder);
    expect(await watch.look()).toEqual([]);
    writeFileSync(path.join(folder, 'x'), '0:7\n');
    rmSync(path.join(folder, 'y'));
    expect((await watch.look()).toSorted()).toEqual(['x has changed', 'y is gone']);
  });
});

describe('the verdict', () => {
  const held: SoakResult = {
    ...{
      seed: 1,
      durationMs: 60_000,
      records: 3,
      leftOut: [],
      stopCodes: [0],
      surprises: [],
      folder: null,
    },
    faults: [{ name: 'nats-kill', atMs: 5_000, recoveryMs: 700, broken: [] }],
    count: { records: 3, files: 1, givenUp: 0, lost: 0, doubled: 0, examples: [], oddities: [] },
    ...{ finish: { code: 0, lastLines: [] }, samples: [] },
  };
  const samples = (memory: (n: number) => number, handles: (n: number) => number): SoakResult['samples'] =>
    Array.from({ length: 20 }, (_, n) => ({
      ...{ process: 'coordinator-0-1', atMs: n * 5_000, memoryMiB: memory(n), handles: handles(n) },
    }));

  it('is held where nothing is wrong', () => {
    expect(
      problemsOf({
        ...held,
        samples: samples(
          () => 150,
          () => 30,
        ),
      }),
    ).toEqual([]);
    expect(soakLines(held, []).at(-1)).toBe('held');
  });

  it('tells memory and handles of those who lived for long enough', () => {
    const grown = samples(
      (n) => 100 + n,
      (n) => 30 + 5 * n,
    );
    const text = growthLines(grown).join('\n');
    expect(text).toMatch(/coordinator-0-1 +95 s +100 +110 +119 +30 +80 +125 +GREW/);
    expect(text).toContain('NOT FLAT');
    expect(growthLines(grown.slice(0, 5)).join('\n')).toContain('nothing can be said');
  });

  it.each<[string, Partial<SoakResult>]>([
    ['lost', { count: { ...held.count, lost: 1 } }],
    ['doubled', { count: { ...held.count, doubled: 1 } }],
    ['completed no checkpoint', { faults: [{ ...held.faults[0]!, recoveryMs: null }] }],
    ['has changed', { faults: [{ ...held.faults[0]!, broken: ['x has changed'] }] }],
    ['ended by itself', { surprises: [{ process: 'p', code: 1, signal: null, lastLines: ['oh'] }] }],
    ['closing run', { finish: { code: 1, lastLines: [] } }],
    [
      'memory grew',
      {
        samples: samples(
          (n) => 100 + 20 * n,
          () => 30,
        ),
      },
    ],
    [
      'handles grew',
      {
        samples: samples(
          () => 100,
          (n) => 30 + 5 * n,
        ),
      },
    ],
  ])('is not where something is %s', (word, change) => {
    const result = { ...held, ...change };
    const problems = problemsOf(result);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(word);
    expect(soakLines(result, problems).at(-1)).toBe('NOT HELD');
  });
});

describe('the faults', () => {
  it('follow from the seed, and all of them come', () => {
    const drawn = (seed: number): string[] => {
      const random = new SeededRandom(seed);
      return Array.from({ length: 500 }, () => drawFault(random, FAULT_KINDS).name);
    };
    expect(drawn(7)).toEqual(drawn(7));
    expect(new Set(drawn(7))).toEqual(new Set(FAULT_KINDS.map(({ name }) => name)));
  });

  it.each([
    [],
    ['--minutes', 'x'],
    ['--minutes', '1', '--only', 'flood'],
    ['--minutes', '1', '--seed', '-1'],
  ])('are left out for %s %s %s %s', (...args) => {
    expect(() => readOptions(args, ['nats-kill'])).toThrow();
  });
});
