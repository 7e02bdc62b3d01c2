/** The package as a user gets it: packed, installed elsewhere, without the checkout. */
import { spawn } from 'node:child_process';
import { copyFileSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { earthquakeLines } from '../../examples/earthquakes.ts';
import { collect, type Ended } from '../unit/cli/collect.ts';

const checkoutDir = path.resolve(import.meta.dirname, '../..');
/** A blank in the path: what is a URL and what is a path must not be mixed up. */
const home = mkdtempSync(path.join(tmpdir(), 'tidemark package-'));
const packageDir = path.join(home, 'node_modules/tidemark');

function npm(args: readonly string[], cwd: string): Promise<Ended> {
  return collect(spawn('npm', args, { cwd }));
}

function tidemark(...args: string[]): Promise<Ended> {
  return collect(
    spawn(process.execPath, [path.join(home, 'node_modules/.bin/tidemark'), ...args], { cwd: home }),
  );
}

beforeAll(async () => {
  const packed = await npm(['pack', '--pack-destination', home], checkoutDir);
  expect(packed, packed.stderr).toMatchObject({ code: 0 });
  const [tarball = ''] = globSync('*.tgz', { cwd: home });
  writeFileSync(path.join(home, 'package.json'), '{ "private": true }\n');
  const installed = await npm(
    ['install', '--prefer-offline', '--no-audit', '--no-fund', `./${tarball}`],
    home,
  );
  expect(installed, installed.stderr).toMatchObject({ code: 0 });
}, 300_000);

afterAll(() => {
  rmSync(home, { recursive: true });
});

describe('the packed and installed package', () => {
  test('ships the build, the schema and the examples, and nothing that no command needs', () => {
    const files = globSync('**/*', { cwd: packageDir, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(packageDir, path.join(entry.parentPath, entry.name)));
    expect(files).toEqual(
      expect.arrayContaining([
        'package.json',
        'bin/tidemark.js',
        'dist/src/cli/main.js',
        'dist/journal/errors.js',
        'dist/actors/partition.js',
        'schema/job.schema.json',
        'examples/earthquakes.yaml',
      ]),
    );
    const foreign = files.filter(
      (file) =>
        !/^(bin|dist\/(src|sim|actors|journal|kernels)|schema|examples)\/|^[A-Za-z]+(\.(md|json))?$/.test(
          file,
        ),
    );
    expect(foreign).toEqual([]);
    // No sources, no declarations (nothing can be imported), no source maps, no events, no journal for tests.
    expect(files.filter((file) => /\.ts$|\.map$|\.ndjson$|memory\/journal/.test(file))).toEqual([]);
  });

  test('answers with its help and its version', async () => {
    const { version } = JSON.parse(readFileSync(path.join(packageDir, 'package.json'), 'utf8')) as {
      version: string;
    };
    expect(await tidemark('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
    expect(await tidemark('--help')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('tidemark run') as string,
      stderr: '',
    });
  });

  test('prints the schema that it ships', async () => {
    const { stdout } = await tidemark('schema');
    expect(JSON.parse(stdout)).toEqual(
      JSON.parse(readFileSync(path.join(packageDir, 'schema/job.schema.json'), 'utf8')),
    );
  });

  test('runs the example job once: every event is committed, and a second run adds nothing', async () => {
    mkdirSync(path.join(home, 'jobs'));
    copyFileSync(path.join(packageDir, 'examples/earthquakes.yaml'), path.join(home, 'jobs/job.yaml'));
    const { text, count } = earthquakeLines();
    writeFileSync(path.join(home, 'jobs/earthquakes.ndjson'), text);
    const run = (): Promise<Ended> => tidemark('run', 'jobs/job.yaml', '--until-end');
    const committed = (): string[] =>
      globSync('out/*/*', { cwd: home })
        .filter((file) => !file.includes('/.'))
        .sort();

    const first = await run();
    expect(first, first.stderr).toMatchObject({ code: 0 });
    expect(first.stdout).toMatch(/^committed 8 files with 1,707 records\n/);
    const files = committed();
    const lines = files.flatMap((file) => readFileSync(path.join(home, file), 'utf8').trimEnd().split('\n'));
    expect(lines).toHaveLength(count);
    expect(lines.sort()).toEqual(text.trimEnd().split('\n').sort());

    const second = await run();
    expect(second, second.stderr).toMatchObject({ code: 0, stdout: 'nothing new was committed\n' });
    expect(committed()).toEqual(files);

    const status = await tidemark('status', 'jobs/job.yaml', '--json');
    expect(JSON.parse(status.stdout)).toMatchObject({
      job: 'earthquakes',
      partitions: [
        { topic: 'earthquakes.ndjson', partition: 0, nextOffset: String(count), committedFiles: 8 },
      ],
    });
  }, 60_000);
});
