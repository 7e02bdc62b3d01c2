/**
 * docs/formats.md and examples/: their jobs run here, on real records, and every record is in their files.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse, stringify } from 'yaml';
import { earthquakeLines } from '../../examples/earthquakes.ts';
import { cleanAudit } from '../integration/auditing.ts';
import { tidemark } from '../integration/tidemarkProcess.ts';

const CHECKOUT = path.resolve(import.meta.dirname, '../..');
const EXAMPLES = path.join(CHECKOUT, 'examples');
const PAGE = readFileSync(path.join(CHECKOUT, 'docs/formats.md'), 'utf8');
const FRAGMENTS = [...PAGE.matchAll(/```yaml\n([^]*?)```/g)].map(([, text = '']) => text);
const JOBS = readdirSync(EXAMPLES).filter((name) => /^earthquakes.*\.yaml$/.test(name));

interface Quake {
  readonly properties: { readonly time: number; readonly net: string };
}
const { text, count } = earthquakeLines();
const quakes = text
  .split('\n')
  .slice(0, -1)
  .map((line) => JSON.parse(line) as Quake);

/** A folder with `examples/` in it, as in a checkout. */
function home(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-formats-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  mkdirSync(path.join(folder, 'examples'));
  cpSync(EXAMPLES, path.join(folder, 'examples'), { recursive: true });
  writeFileSync(path.join(folder, 'examples/earthquakes.ndjson'), text);
  return folder;
}

/** Runs the job to its end; what a deep audit says of its one partition. */
async function ran(file: string) {
  const end = await tidemark(['run', file, '--until-end']);
  expect(end, end.stderr).toMatchObject({ code: 0 });
  const { deep } = await cleanAudit({ file }, '--deep');
  return deep?.[0];
}

describe('the examples', { timeout: 120_000 }, () => {
  it.each(JOBS)('%s: every record is in its files', async (name) => {
    const folder = home();
    expect(await ran(path.join(folder, 'examples', name))).toMatchObject({ records: count, bad: 0 });
    if (name !== 'earthquakes-folders.yaml') return;
    const folders = quakes.map(({ properties: { time, net } }) => {
      return `dt=${new Date(time).toISOString().slice(0, 10)}/net=${net}`;
    });
    const found = readdirSync(path.join(folder, 'out-folders'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.startsWith('part-'))
      .map((entry) => path.relative(path.join(folder, 'out-folders'), entry.parentPath));
    expect(new Set(found)).toEqual(new Set(folders));
  });
});

describe('docs/formats.md', { timeout: 120_000 }, () => {
  it('has an example of each feature', () => {
    expect(FRAGMENTS.length).toBeGreaterThanOrEqual(6);
    for (const feature of ['text', 'json', 'parquet', 'gzip', 'zstd', 'record', 'bad:', 'bucket:'])
      expect(FRAGMENTS.join(''), feature).toContain(feature);
  });

  it.each(FRAGMENTS.map((fragment) => [fragment.split('\n')[0], fragment]))(
    '%s',
    async (_, fragment = '') => {
      const file = path.join(home(), 'examples', 'job.yaml');
      const job = parse(fragment) as Record<string, unknown>;
      writeFileSync(
        file,
        stringify({ job: 'page', source: { file: { path: 'earthquakes.ndjson' } }, ...job }),
      );
      // Those that do not fit the page's schema are in files of bad records, and count.
      expect(await ran(file)).toMatchObject({ records: count });
    },
  );
});
