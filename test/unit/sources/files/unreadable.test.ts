/**
 * A file that the system does not let anybody read: a folder in its place, or links that lead in a circle.
 */
import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  ConditionBoard,
  type Conditions,
  type LastingCondition,
} from '../../../../src/telemetry/conditions.ts';
import { createFileSurveyor } from '../../../../src/sources/files/survey.ts';
import { silentLog } from '../../../../src/telemetry/log.ts';
import { at, failureOf, leapingClock, newLake, pull, values, type Lake } from './lake.ts';

let lake: Lake;
beforeEach(async () => {
  lake = await newLake();
});
afterEach(() => lake.dispose());

/** The conditions of a process, and who waits for one to be raised. */
class Told {
  readonly #board = new ConditionBoard({ clock: leapingClock(), log: silentLog });
  #waiting: { readonly about: string; readonly resolve: () => void }[] = [];

  readonly conditions: Conditions = {
    raise: (key, condition) => {
      this.#board.raise(key, condition);
      for (const { about, resolve } of this.#waiting) if (about === condition.about) resolve();
    },
    clear: (key) => this.#board.clear(key),
    list: () => this.#board.list(),
  };

  list(): readonly LastingCondition[] {
    return this.#board.list();
  }

  raised(about: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ about, resolve }));
  }
}

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
  expect(error.message).toMatch(/a\.ndjson cannot be read: EISDIR\. A folder is in its place/);
  expect(error.fields).toMatchObject({ partition: 'a.ndjson/0', systemCode: 'EISDIR', fromOffset: 1n });
  expect(lake.warnings.join('\n')).toContain('if that stays so for 30 s the partition stops');
});

test('stands among the conditions from its first failed try on, and not longer', async () => {
  await symlink('circle.ndjson', lake.path('circle.ndjson'));
  const told = new Told();
  const source = lake.source({ stableMs: Infinity, conditions: told.conditions });
  const feed = source.open(at('circle.ndjson'), 0n, null);
  const reading = pull(feed, 1);
  await told.raised('circle.ndjson/0');
  expect(told.list()).toMatchObject([
    {
      ...{ kind: 'retried', about: 'circle.ndjson/0', code: 'SOURCE_UNREADABLE' },
      message: expect.stringMatching(/ELOOP\. Its links lead in a circle/) as string,
    },
  ]);
  await rm(lake.path('circle.ndjson'));
  await lake.write('circle.ndjson', 'one\n');
  await reading;
  expect(told.list()).toEqual([]);
  await rm(lake.path('circle.ndjson'));
  await mkdir(lake.path('circle.ndjson'));
  const again = pull(feed, 1);
  again.catch(() => undefined);
  await told.raised('circle.ndjson/0');
  await feed.close();
  expect(told.list()).toEqual([]);
});

test('and is gone, or too short: that stands there as well', async () => {
  const told = new Told();
  const source = lake.source({ stableMs: Infinity, conditions: told.conditions });
  const feed = source.open(at('a.ndjson'), 2n, null);
  const reading = pull(feed, 1);
  await told.raised('a.ndjson/0');
  expect(told.list()).toMatchObject([{ code: 'SOURCE_RANGE_LOST' }]);
  await lake.write('a.ndjson', 'one\n');
  while (told.list()[0]?.code !== 'SOURCE_BEYOND_END') await told.raised('a.ndjson/0');
  await lake.write('a.ndjson', 'one\ntwo\nthree\n');
  expect(values(await reading)).toEqual(['three']);
  expect(told.list()).toEqual([]);
});

test('while its handle is with another, and that is the same afterwards: it is over', async () => {
  await lake.write('a.ndjson', 'one\n');
  await lake.write('b.ndjson', 'one\n');
  const told = new Told();
  const source = lake.source({ stableMs: Infinity, handlesMax: 1, conditions: told.conditions });
  const first = source.open(at('a.ndjson'), 0n, null);
  await pull(first, 1);
  await pull(source.open(at('b.ndjson'), 0n, null), 1);
  pull(first, 1).catch(() => undefined);
  const raised = told.raised('a.ndjson/0');
  await rename(lake.path('a.ndjson'), lake.path('kept'));
  await symlink('a.ndjson', lake.path('a.ndjson'));
  await raised;
  await rename(lake.path('kept'), lake.path('a.ndjson'));
  while (told.list().length > 0) await turn();
  await first.close();
});

test('whose identity is asked for is told meanwhile, too', async () => {
  await mkdir(lake.path('a.ndjson'));
  const told = new Told();
  const proving = lake.source({ conditions: told.conditions }).verifyIdentity('a.ndjson', 'some id');
  await told.raised('a.ndjson/0');
  await failureOf(proving, 'SOURCE_UNREADABLE');
  expect(told.list()).toEqual([]);
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
