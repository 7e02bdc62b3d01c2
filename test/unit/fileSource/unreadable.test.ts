/** A file that the system does not let anybody read: a folder in its place, or links that lead in a circle. */
import { mkdir, rm, symlink } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFileSurveyor } from '../../../src/fileSource/survey.ts';
import { at, failureOf, newLake, pull, values, type Lake } from './lake.ts';

let lake: Lake;
beforeEach(async () => {
  lake = await newLake();
});
afterEach(() => lake.dispose());

const asked = { wait: false, onWaiting: () => undefined, signal: new AbortController().signal };

test('is described beside the others, without an id, and told', async () => {
  await lake.write('a.ndjson', 'one\n');
  await symlink('circle.ndjson', lake.path('circle.ndjson'));
  const { topics } = await lake.source().describe(asked);
  expect(topics.map(({ topic, topicId }) => [topic, topicId === null])).toEqual([
    ['a.ndjson', false],
    ['circle.ndjson', true],
  ]);
  expect(lake.warnings).toEqual([expect.stringContaining('circle.ndjson cannot be read: ELOOP')]);
});

test('has no range; a look for status knows those of the others', async () => {
  await lake.write('a.ndjson', 'one\n');
  await symlink('circle.ndjson', lake.path('circle.ndjson'));
  await failureOf(lake.source().ranges('circle.ndjson'), 'SOURCE_UNREADABLE');
  const surveyed = await createFileSurveyor(lake.source()).survey([]);
  expect(surveyed.map(({ topic, partitions }) => [topic, partitions?.length])).toEqual([
    ['a.ndjson', 1],
    ['circle.ndjson', 0],
  ]);
});

test('stops its partition once that was so for a while, and says which line comes next', async () => {
  await lake.write('a.ndjson', 'one\n');
  const feed = lake.source().open(at('a.ndjson'), 0n, null);
  expect(values(await pull(feed, 1))).toEqual(['one']);
  await rm(lake.path('a.ndjson'));
  await mkdir(lake.path('a.ndjson'));
  const error = await failureOf(pull(feed, 1), 'SOURCE_UNREADABLE');
  expect(error.message).toMatch(/a\.ndjson cannot be read: EISDIR\. A folder stands in its place/);
  expect(error.fields).toMatchObject({ partition: 'a.ndjson/0', systemCode: 'EISDIR', fromOffset: 1 });
  expect(lake.warnings.join('\n')).toContain('if that stays so for 30 s the partition stops');
});

test('for a moment only: it is read on, and its identity is proved', async () => {
  await symlink('circle.ndjson', lake.path('circle.ndjson'));
  const source = lake.source({ stableMs: Infinity });
  const reading = pull(source.open(at('circle.ndjson'), 0n, null), 1);
  const proving = source.verifyIdentity('circle.ndjson', '7692c3ad3540bb80');
  await rm(lake.path('circle.ndjson'));
  await lake.write('circle.ndjson', 'one\n');
  expect(values(await reading)).toEqual(['one']);
  await proving;
});

test('cannot prove its identity: so much is told of it alone', async () => {
  await mkdir(lake.path('a.ndjson'));
  const error = await failureOf(lake.source().verifyIdentity('a.ndjson', 'some id'), 'SOURCE_UNREADABLE');
  expect(error.fields).toMatchObject({ partition: 'a.ndjson/0', systemCode: 'EISDIR' });
});
