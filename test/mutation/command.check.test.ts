import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FuzzReport } from '../../sim/report.ts';
import { patch } from './mutation.ts';
import { ScratchCopy } from './scratchCopy.ts';

/** A checkpoint says one offset too many. */
const BROKEN = [
  patch(
    'src/writing/recordRouter.ts',
    `    return {
      nextOffset: this.#nextOffset,`,
    `    return {
      nextOffset: this.#nextOffset + 1n,`,
  ),
];

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command of the copy, as a user starts it; standard error is a pipe. */
function tidemark(root: string, args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [path.join(root, 'bin/tidemark.js'), ...args], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

describe('tidemark fuzz where the protocol is wrong', { timeout: 120_000 }, () => {
  let copy: ScratchCopy;
  beforeAll(() => {
    copy = new ScratchCopy();
  });
  afterAll(() => copy.remove());

  it('exits with 1 and prints the schedule that replays exactly that run', async () => {
    await copy.patched(BROKEN, async (root) => {
      const found = await tidemark(root, ['fuzz', '--runs', '200', '--seed', '1']);
      expect({ code: found.code, stderr: found.stderr }).toEqual({ code: 1, stderr: '' });
      const [, schedule = ''] = /--schedule FILE\n(.*)$/m.exec(found.stdout) ?? [];
      const file = path.join(root, 'found.json');
      writeFileSync(file, schedule);
      const again = await tidemark(root, ['fuzz', '--schedule', file]);
      expect(again.code).toBe(1);
      const violated = (text: string): string => /^P\d: .*$/m.exec(text)?.[0] ?? '';
      expect(violated(found.stdout)).toMatch(/^P1: partition \d: /);
      expect(violated(again.stdout)).toBe(violated(found.stdout));
    });
  });

  it('gives the same --json twice but for its timing, found by several threads', async () => {
    await copy.patched(BROKEN, async (root) => {
      const [one, other] = [
        await tidemark(root, ['fuzz', '--runs', '200', '--seed', '2', '--json']),
        await tidemark(root, ['fuzz', '--runs', '200', '--seed', '2', '--json']),
      ].map(({ stdout }) => ({ ...(JSON.parse(stdout) as FuzzReport), timing: null }));
      expect(one?.failure?.violations.length).toBeGreaterThan(0);
      expect(JSON.stringify(other)).toBe(JSON.stringify(one));
    });
  });
});
