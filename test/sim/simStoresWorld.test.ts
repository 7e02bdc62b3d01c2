import { describe, expect, test } from 'vitest';
import type { EventOf, JournalEvent } from '../../journal/events.ts';
import { FAILPOINTS, type Failpoint } from '../../src/system/failpoints.ts';
import type { Fault, RunTrace, StoreKind, StoreFault, WorldConfig } from '../../sim/schedule.ts';
import { runWorld } from '../../sim/world.ts';
import { batches, CONFIG, schedule } from './schedules.ts';

/** Files live long enough to be in progress at several checkpoints and in several lives. */
const LONG: Partial<WorldConfig> = {
  ...{ checkpointIntervalMs: 60, sessionMs: 600, heartbeatMs: 150, timeoutMs: 200, restartMs: 100 },
  roll: { ...CONFIG.roll, maxBytes: 150, maxAgeMs: 2_500, maxIdleMs: 900 },
  buckets: { by: 'record-time', pattern: 'ss', timezone: 'UTC' },
};

const KINDS: readonly StoreKind[] = ['oss-hdfs', 'oss', 'file'];

function eventsOf<T extends JournalEvent['type']>({ journal }: RunTrace, type: T): EventOf<T>[] {
  const all = journal.flatMap(({ text }) => (JSON.parse(text) as { events: JournalEvent[] }).events);
  return all.filter((event): event is EventOf<T> => event.type === type);
}

const crash = (process: number, life: number, point: Failpoint, nth: number): Fault => ({
  ...{ type: 'crash', process, life, point, side: 'after', nth },
});

async function run(store: StoreKind, faults: readonly Fault[], seed = 1, config: Partial<WorldConfig> = {}) {
  return runWorld(
    schedule({
      seed,
      faults,
      config: { ...LONG, ...config, store },
      partitions: [batches(8), batches(8)],
    }),
  );
}

describe('a file in progress whose owner dies', () => {
  test('continues in the next life where the store resumes: one file, appended to by both', async () => {
    const config = {
      ...{ processes: 1, buckets: { by: 'none' as const } },
      roll: { ...CONFIG.roll, maxBytes: 10_000, maxAgeMs: 2_500, maxIdleMs: 900 },
    };
    const trace = await run('oss-hdfs', [crash(0, 0, 'store.persist', 5)], 1, config);
    expect(trace.violations).toEqual([]);
    expect(trace.fired).toEqual([true]);
    expect(eventsOf(trace, 'partMoved').length).toBeGreaterThan(0);
    // Each partition's records are in one file, though two lives wrote them.
    expect(eventsOf(trace, 'epochClaimed').length).toBeGreaterThan(2);
    expect(trace.visible.map(({ type }) => type)).toEqual(['appeared', 'appeared']);
  });

  test('is found under any of its journaled names, through several interrupted takeovers', async () => {
    const at = (life: number): Fault => crash(0, life, 'store.resume', 1);
    for (const side of ['before', 'after'] as const) {
      const faults = [crash(0, 0, 'store.persist', 5), ...[1, 2, 3].map((life) => ({ ...at(life), side }))];
      // With others every file is closed before the first life ends.
      const trace = await run('oss-hdfs', faults, 2, { processes: 1 });
      expect(trace.violations).toEqual([]);
      expect(trace.fired).toEqual([true, true, true, true]);
    }
  });

  test('is as old as its journal says: it rolls by age, counted from when it was opened', async () => {
    const config = {
      ...{ processes: 1, buckets: { by: 'none' as const } },
      roll: { ...CONFIG.roll, maxBytes: 10_000, maxAgeMs: 1_200, maxIdleMs: 60_000 },
    };
    const trace = await run('oss-hdfs', [crash(0, 0, 'store.persist', 5)], 1, config);
    expect(trace.violations).toEqual([]);
    const rolls = eventsOf(trace, 'checkpointCompleted').flatMap(({ parts }) =>
      parts.flatMap(({ roll }) => roll ?? []),
    );
    expect(new Set(rolls.map(({ reason }) => reason))).toEqual(new Set(['age']));
    const opened = eventsOf(trace, 'partOpened').map(({ openedAtMs }) => openedAtMs);
    const first = Math.min(...rolls.map(({ atMs }) => atMs)) - Math.min(...opened);
    // The second life begins more than 200 ms after the files were opened: counted from there it would be too
    // late.
    expect(first).toBeLessThan(1_300);
  });

  test('is finished from journaled ETags if the store uploads: the id precedes the first byte', async () => {
    const trace = await run('oss', [crash(0, 0, 'store.persist', 5)]);
    expect(trace.violations).toEqual([]);
    const started = eventsOf(trace, 'partStarted');
    expect(started.length).toBe(new Set(started.map(({ partId }) => partId)).size);
    const ids = new Set(started.map(({ handle }) => (handle as { uploadId: string }).uploadId));
    for (const { parts } of eventsOf(trace, 'checkpointCompleted')) {
      for (const { handle } of parts) expect(ids).toContain((handle as { uploadId: string }).uploadId);
    }
    const recovered = eventsOf(trace, 'checkpointCompleted').flatMap(({ parts }) =>
      parts.filter(({ roll }) => roll?.reason === 'recovery'),
    );
    expect(recovered.length).toBeGreaterThan(0);
    expect(eventsOf(trace, 'partMoved')).toEqual([]);
  });

  test('and whose upload no checkpoint counts is aborted by its journaled id: no part stays', async () => {
    const config = {
      ...{ processes: 1, checkpointIntervalMs: 400, buckets: { by: 'none' as const } },
      roll: { ...CONFIG.roll, maxBytes: 10_000, maxAgeMs: 2_500, maxIdleMs: 900 },
    };
    // By then enough is written for an upload part; the checkpoint that would count it is never journaled.
    const trace = await run('oss', [crash(0, 0, 'store.persist', 1)], 1, config);
    expect(trace.fired).toEqual([true]);
    expect(eventsOf(trace, 'partDiscarded').length).toBeGreaterThan(0);
    expect(trace.leftovers).toEqual([]);
    expect(trace.violations).toEqual([]);
  });
});

const SECOND: readonly Failpoint[] = FAILPOINTS.filter((point) => point !== 'journal.fileRequest');
const HARM = ['crash', 'pause', 'lostReply', 'late'] as const;

/** The second fault of another place, after the first has left files in progress. */
function harm(kind: (typeof HARM)[number], point: Failpoint, nth: number): Fault | null {
  const at = { process: 1, life: 0, nth };
  if (kind === 'crash') return crash(1, 0, point, nth);
  if (kind === 'pause') return { type: 'pause', ...at, point, side: 'before', forMs: 2_500 };
  return point.startsWith('store.')
    ? { type: 'store', ...at, point, fault: kind satisfies StoreFault }
    : null;
}

describe.each(KINDS)('two owners of %s: one dies, the other is harmed at an effect, and again', (store) => {
  test.each(SECOND)('%s', async (point) => {
    for (const kind of HARM) {
      for (const nth of [1, 4]) {
        const second = harm(kind, point, nth);
        if (second === null) continue;
        const third = crash(1, 1, 'journal.append', 4);
        const trace = await run(store, [crash(0, 0, 'store.persist', 6), second, third], nth);
        expect(trace.violations, `${kind} at ${point}, time ${nth}`).toEqual([]);
      }
    }
  });
});

describe('a power cut', () => {
  test.each(KINDS)('takes nothing from %s that counts', async (store) => {
    for (let atMs = 40; atMs < 1_200; atMs += 80) {
      const trace = await run(store, [{ type: 'powerCut', atMs }], atMs, { latencyMsMax: 20 });
      expect(trace.violations, `at ${atMs} ms`).toEqual([]);
    }
  });
});
