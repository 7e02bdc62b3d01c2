import { chmodSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseYaml } from '../../../src/config/document.ts';
import { SECRET_KEYS } from '../../../src/config/plainSecrets.ts';
import { jobJsonSchema } from '../../../src/app/jobFile/keys.ts';
import { jobFolder, loadText, MINIMAL, problemsOfText } from './jobFiles.ts';

const FILES = 'job: a\nsource: { file: { path: a } }\nsink: { path: out }\n';

describe('a path with what only a shell replaces is refused', () => {
  const keys = ['sink.path', 'source.file.path', 'journal.sqlite.path', 'sink.jindosdk.library'];

  test.each(keys)('%s', (key) => {
    const folder = jobFolder();
    folder.write('job.yaml', FILES);
    const problems = (value: string) => folder.problems('job.yaml', { overrides: [`${key}=${value}`] });
    for (const value of ['~/lake', '~me/lake']) {
      expect(problems(value)).toContainEqual(
        expect.stringMatching(
          /^-D [a-z.]+: begins with "~", which only a shell replaces: write the whole path/i,
        ),
      );
    }
    for (const value of ['${HOME}/lake', 'a/$HOME', '/x/${A-b}.txt', '$(pwd)']) {
      expect(problems(value)).toContainEqual(
        expect.stringMatching(/^-D [a-z.]+: holds a variable like \$\{NAME\}, which nothing replaces/i),
      );
    }
  });

  test('also behind a scheme', () => {
    for (const value of [
      'file:///${HOME}/lake',
      'oss://b.cn-hangzhou.oss-dls.aliyuncs.com/$DAY',
      'oss://${B}/x',
    ]) {
      expect(problemsOfText(FILES.replace('path: out', `path: "${value}"`))).toEqual([
        expect.stringMatching(/^job.yaml:3:15 sink.path: holds a variable/),
      ]);
    }
  });

  test('but not where it is a name like any other', () => {
    for (const value of ['./~x', 'a~b', 'a$', 'a$b/c', 'cost-$5']) {
      expect(loadText(FILES.replace('path: out', `path: "${value}"`))).toMatchObject({ warnings: [] });
    }
  });
});

test('brokers may have IPv6 addresses', () => {
  const folder = jobFolder();
  folder.write('job.yaml', MINIMAL);
  const load = (brokers: string) =>
    folder.load('job.yaml', { overrides: [`source.kafka.brokers=${brokers}`] }).source;
  expect(load('["[::1]:9092", "[fe80::1]:1"]')).toMatchObject({ brokers: ['[::1]:9092', '[fe80::1]:1'] });
  for (const wrong of ['["::1:9092"]', '["[::1]"]', '["[::1:9092"]', '["[x]:9092"]']) {
    expect(folder.problems('job.yaml', { overrides: [`source.kafka.brokers=${wrong}`] })).toHaveLength(1);
  }
});

describe('a job file with a password', () => {
  const secret = MINIMAL.replace('topics:', 'sasl: { mechanism: plain, username: u, password: pw }, topics:');

  test('that everybody may read is warned of, without the password', () => {
    const folder = jobFolder();
    folder.write('job.yaml', secret);
    chmodSync(path.join(folder.dir, 'job.yaml'), 0o644);
    const { warnings } = folder.load('job.yaml');
    expect(warnings).toEqual([expect.stringMatching(/^job.yaml holds a secret, .*: chmod 600 job.yaml, or/)]);
    expect(warnings.join()).not.toContain('pw');
  });

  test('of its own user, or that only names a variable, is none', () => {
    const folder = jobFolder();
    folder.write('job.yaml', secret);
    chmodSync(path.join(folder.dir, 'job.yaml'), 0o640);
    expect(folder.load('job.yaml').warnings).toEqual([]);
    folder.write('plain.yaml', MINIMAL);
    chmodSync(path.join(folder.dir, 'plain.yaml'), 0o644);
    expect(folder.load('plain.yaml').warnings).toEqual([]);
  });

  test('is known by every key that holds a secret', () => {
    const found = new Set<string>();
    const walk = (node: unknown, name: string): void => {
      if (typeof node !== 'object' || node === null) return;
      const {
        description,
        properties = {},
        anyOf = [],
      } = node as Record<string, unknown> & { anyOf?: unknown[] };
      if (typeof description === 'string' && description.includes('{ env: VARIABLE }')) found.add(name);
      for (const [key, child] of Object.entries(properties as object)) walk(child, key);
      for (const child of anyOf) walk(child, name);
    };
    walk(jobJsonSchema(), '');
    expect([...found].toSorted()).toEqual([...SECRET_KEYS].toSorted());
  });
});

test('aliases that repeat each other without end are refused at once', () => {
  const levels = Array.from(
    { length: 12 },
    (_, n) => `l${n + 1}: &l${n + 1} [${Array(12).fill(`*l${n}`).join(', ')}]`,
  );
  const bomb = `l0: &l0 [x]\n${levels.join('\n')}\n${MINIMAL}`;
  expect(parseYaml(bomb)).toMatchObject({ type: 'invalid' });
  const folder = jobFolder();
  folder.write('job.yaml', bomb);
  expect(folder.problems('job.yaml', { overrides: ['roll.maxAge=1m'] })).toEqual([
    'job.yaml:1:1: its aliases repeat too much; expected at most 1000 repetitions of what an anchor names',
  ]);
});
