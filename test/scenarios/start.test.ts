/** `npm start` as a newcomer meets it, in a copy of the checkout. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { earthquakeLines } from '../../examples/earthquakes.ts';
import { collect, type Ended } from '../unit/cli/collect.ts';

const checkoutDir = path.resolve(import.meta.dirname, '../..');
const copy = mkdtempSync(path.join(tmpdir(), 'tidemark-start-'));
const start = (): Promise<Ended> => collect(spawn(process.execPath, ['examples/start.ts'], { cwd: copy }));

/** Everything below ./out but the hidden marker of the destination. */
function outFiles(): string[] {
  return globSync('out/**/*', { cwd: copy, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(copy, path.join(entry.parentPath, entry.name)))
    .sort();
}

beforeAll(() => {
  for (const name of ['package.json', 'bin', 'src', 'actors', 'journal', 'kernels', 'examples']) {
    cpSync(path.join(checkoutDir, name), path.join(copy, name), { recursive: true });
  }
  rmSync(path.join(copy, 'examples/earthquakes.ndjson'), { force: true });
  symlinkSync(path.join(checkoutDir, 'node_modules'), path.join(copy, 'node_modules'));
});

afterAll(() => {
  rmSync(copy, { recursive: true });
});

describe('npm start', () => {
  const { text, count } = earthquakeLines();
  const contents = (): string[] => outFiles().map((file) => readFileSync(path.join(copy, file), 'utf8'));
  let first: Ended;
  let firstContents: string[];

  beforeAll(async () => {
    first = await start();
    firstContents = contents();
  }, 60_000);

  test('commits every earthquake exactly once and writes nothing else into ./out', () => {
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(outFiles()).toHaveLength(8);
    for (const file of outFiles())
      expect(file).toMatch(/^out\/2018-0[12]-\d\d\/part-earthquakes\.ndjson-0-\d{20}$/);
    const events = firstContents.join('').trimEnd().split('\n');
    expect(events).toHaveLength(count);
    expect(events.sort()).toEqual(text.trimEnd().split('\n').sort());
  });

  test('each event lies in the folder of its day', () => {
    for (const [index, file] of outFiles().entries()) {
      for (const line of (firstContents[index] ?? '').trimEnd().split('\n')) {
        const { properties } = JSON.parse(line) as { properties: { time: number } };
        expect(file.split('/')[1]).toBe(new Date(properties.time).toISOString().slice(0, 10));
      }
    }
  });

  test('shows each committed file with its records, the total, and what to try next', () => {
    expect(first.stdout).toContain('committed 1,707 records, each exactly once');
    for (const [index, file] of outFiles().entries()) {
      const records = (firstContents[index] ?? '').trimEnd().split('\n').length;
      expect(first.stdout).toMatch(new RegExp(`^${file} +${records} `, 'm'));
    }
    expect(first.stdout).toMatch(/^total +1,707 /m);
    expect(first.stdout).toMatch(/what to try next[^]*npx tidemark status examples\/earthquakes\.yaml/);
  });

  test('run again it adds nothing and says so', async () => {
    const second = await start();
    expect(second).toMatchObject({ code: 0, stderr: '' });
    expect(second.stdout).toContain('nothing new: 1,707 records were already committed');
    expect(second.stdout).toMatch(/^total +1,707 /m);
    expect(contents()).toEqual(firstContents);
  });

  test('says how to start over where ./out or the journal is gone, and writes nothing', async () => {
    rmSync(path.join(copy, 'out'), { recursive: true });
    const withoutOut = await start();
    expect(withoutOut).toMatchObject({ code: 1 });
    expect(withoutOut.stderr).toMatch(/rm -rf out \.tidemark/);
    expect(outFiles()).toEqual([]);

    for (const name of ['out', '.tidemark']) rmSync(path.join(copy, name), { recursive: true, force: true });
    expect(await start()).toMatchObject({ code: 0 });
    rmSync(path.join(copy, '.tidemark'), { recursive: true });
    const withoutJournal = await start();
    expect(withoutJournal).toMatchObject({ code: 1 });
    expect(withoutJournal.stderr).toMatch(/JOURNAL_MISSING.*\n(.*\n)*.*rm -rf out \.tidemark/);
    expect(contents()).toEqual(firstContents);
    expect(existsSync(path.join(copy, '.tidemark/earthquakes.db'))).toBe(false);
  }, 60_000);
});
