import { describe, expect, test } from 'vitest';
import { StoreFailure } from '../../src/stores/failure.ts';
import type { JournalEvent } from '../../journal/events.ts';
import type { Fault, LogItem, RunTrace } from '../../sim/schedule.ts';
import { runWorld } from '../../sim/world.ts';
import type { Store } from '../../src/stores/port.ts';
import { batches, schedule, WALL_START_MS } from './schedules.ts';

/** Several kinds at once, so that a trace that differs would show it. */
const MIXED: readonly Fault[] = [
  { ...{ type: 'crash', process: 0, life: 0 }, ...{ point: 'journal.append', side: 'after', nth: 4 } },
  {
    ...{ type: 'pause', process: 1, life: 0 },
    ...{ point: 'store.write', side: 'before', nth: 1, forMs: 2_500 },
  },
  { ...{ type: 'journal', process: 0, life: 1, nth: 2 }, fault: { type: 'lostReply' } },
  { type: 'rebalance', atMs: 700 },
  { type: 'away', service: 'journal', atMs: 900, forMs: 500 },
];

function epochsOf({ journal }: RunTrace, partition: number): number[] {
  return journal
    .filter(({ subject }) => subject.endsWith(`.partition.numbers.${partition}`))
    .map(({ text }) => (JSON.parse(text) as { epoch: number }).epoch);
}

function eventsOf({ journal }: RunTrace): JournalEvent[] {
  const entries = journal.filter(({ subject }) => !subject.includes('.request.'));
  return entries.flatMap(({ text }) => (JSON.parse(text) as { events: JournalEvent[] }).events);
}

describe('determinism', () => {
  test('the same schedule leaves the same trace, byte for byte', async () => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const same = schedule({ seed, faults: MIXED });
      const first = JSON.stringify(await runWorld(same, { keepEverything: true }));
      // Another world in between must leave nothing behind.
      await runWorld(schedule({ seed: seed + 100, faults: MIXED }));
      expect(JSON.stringify(await runWorld(same, { keepEverything: true }))).toBe(first);
    }
  });

  test('a schedule is plain JSON: what was printed runs the same', async () => {
    const original = schedule({ seed: 3, faults: MIXED });
    const copy = JSON.parse(JSON.stringify(original)) as typeof original;
    expect(JSON.stringify(await runWorld(copy))).toBe(JSON.stringify(await runWorld(original)));
  });

  test('another seed is another world', async () => {
    const [one, other] = [await runWorld(schedule({ seed: 1 })), await runWorld(schedule({ seed: 2 }))];
    expect(JSON.stringify(one.journal)).not.toBe(JSON.stringify(other.journal));
  });

  test('what is only watched changes nothing', async () => {
    const watched = await runWorld(schedule({ faults: MIXED }), { keepEverything: true });
    const unwatched = await runWorld(schedule({ faults: MIXED }));
    expect(watched.journal).toEqual(unwatched.journal);
    expect(watched.visible).toEqual(unwatched.visible);
  });
});

describe('a world without faults', () => {
  test('commits every record once and ends', async () => {
    const trace = await runWorld(schedule());
    expect(trace.violations).toEqual([]);
    expect(trace.leftovers).toEqual([]);
    expect(trace.completeAtMs).not.toBeNull();
    expect(trace.exits.map(({ error }) => error)).toEqual([null, null]);
    const lines = trace.visible.flatMap(({ content }) => (content ?? '').split('\n').slice(0, -1));
    expect(lines.toSorted()).toEqual(
      trace.expected
        .flat()
        .map(({ value }) => value)
        .toSorted(),
    );
  });

  test('splits checkpoints that are too large for an entry', async () => {
    const trace = await runWorld(
      schedule({
        config: {
          entryBytesMax: 2_000,
          buckets: { by: 'record-time', pattern: 'ss', timezone: 'UTC' },
          roll: { maxBytes: 1_000, maxAgeMs: 800, maxIdleMs: 400, atCheckpoint: false },
        },
        partitions: [batches(8)],
      }),
    );
    expect(trace.violations).toEqual([]);
    expect(eventsOf(trace).map(({ type }) => type)).toContain('checkpointPart');
  });
});

describe('entropy', () => {
  const takeover: readonly Fault[] = [
    { ...{ type: 'crash', process: 0, life: 0 }, ...{ point: 'store.persist', side: 'after', nth: 3 } },
    { ...{ type: 'crash', process: 1, life: 0 }, ...{ point: 'store.persist', side: 'after', nth: 3 } },
  ];

  test.each(['file', 'oss', 'oss-hdfs'] as const)(
    '%s: a folder for each file, kept at a takeover',
    async (store) => {
      const roll = { maxBytes: 1_000, maxAgeMs: 2_000, maxIdleMs: 1_000, atCheckpoint: false };
      const trace = await runWorld(schedule({ config: { store, roll, entropy: true }, faults: takeover }));
      expect(trace.violations).toEqual([]);
      expect(trace.leftovers).toEqual([]);
      const folders = trace.visible.map(({ uri }) => uri.slice(0, uri.lastIndexOf('/')));
      for (const folder of folders) expect(folder).toMatch(/^file:\/\/\/lake\/[0-9A-Za-z]{4}$/);
      expect(new Set(folders).size).toBe(folders.length);
    },
  );

  test('a file that goes on after a takeover takes more records, as the configuration is the same', async () => {
    const roll = { maxBytes: 1_000, maxAgeMs: 4_000, maxIdleMs: 3_000, atCheckpoint: false };
    const config = { store: 'oss-hdfs', roll } as const;
    const filesOf = async (entropy: boolean): Promise<number> => {
      const { visible, violations } = await runWorld(
        schedule({ config: { ...config, entropy }, faults: takeover }),
      );
      expect(violations).toEqual([]);
      return visible.length;
    };
    expect(await filesOf(true)).toBe(await filesOf(false));
  });
});

describe('faults', () => {
  test('each takes place and is told of; the world heals and everything is committed once', async () => {
    const trace = await runWorld(schedule({ faults: MIXED }));
    expect(trace.violations).toEqual([]);
    expect(trace.fired).toEqual(MIXED.map(() => true));
    expect(trace.healedAtMs).toBeGreaterThanOrEqual(1_400);
    expect(Math.max(...epochsOf(trace, 0), ...epochsOf(trace, 1))).toBeGreaterThan(1);
  });

  test('a fault that is never reached does not keep the world', async () => {
    const never: Fault = {
      ...{ type: 'crash', process: 0, life: 7 },
      ...{ point: 'store.write', side: 'after', nth: 1 },
    };
    const trace = await runWorld(schedule({ faults: [never] }));
    expect(trace.fired).toEqual([false]);
    expect(trace.violations).toEqual([]);
  });

  test('crashes of one place strike one life after the other', async () => {
    const crash = (life: number): Fault => ({
      ...{ type: 'crash', process: 0, life },
      ...{ point: 'journal.claim', side: 'after', nth: 1 },
    });
    const trace = await runWorld(
      schedule({ config: { processes: 1 }, faults: [crash(0), crash(1), crash(2)] }),
    );
    expect(trace.fired).toEqual([true, true, true]);
    expect(trace.violations).toEqual([]);
    expect(trace.happenings.filter(({ what }) => what === 'starts').map(({ process }) => process)).toEqual([
      'p0.0',
      'p0.1',
      'p0.2',
      'p0.3',
    ]);
  });

  test('a process that is paused for longer than its session loses its partitions, wakes and is fenced', async () => {
    const pause: Fault = {
      ...{ type: 'pause', process: 0, life: 0 },
      ...{ point: 'store.persist', side: 'before', nth: 1, forMs: 4_000 },
    };
    let fenced = 0;
    for (let seed = 1; seed <= 6; seed += 1) {
      const trace = await runWorld(
        schedule({ seed, faults: [pause], config: { roll: { ...schedule().config.roll, maxBytes: 1_000 } } }),
        { keepEverything: true },
      );
      expect(trace.violations).toEqual([]);
      if (!trace.fired.includes(true)) continue;
      // Awake, it goes on with what it was about to do, and only the journal stops it.
      const afterWaking = trace.happenings.filter(({ process, atMs }) => process === 'p0.0' && atMs >= 4_000);
      if (
        afterWaking.some(({ what }) => what.includes('claiming again') || what.includes('partition claimed'))
      )
        fenced += 1;
    }
    expect(fenced).toBeGreaterThan(0);
  });

  test('one that wakes while the journal is away waits for it, and leaves no file behind', async () => {
    for (const { seed, process } of [
      { seed: 2, process: 1 },
      { seed: 9, process: 0 },
    ]) {
      const faults: readonly Fault[] = [
        {
          ...{ type: 'pause', process, life: 0 },
          ...{ point: 'store.create', side: 'before', nth: 1, forMs: 2_500 },
        },
        { type: 'away', service: 'journal', atMs: 2_400, forMs: 1_500 },
      ];
      const trace = await runWorld(
        schedule({ seed, partitions: [batches(2)], config: { timeoutMs: 100 }, faults }),
      );
      expect(trace.fired).toEqual([true, true]);
      expect(trace.violations).toEqual([]);
    }
  });

  test('a power cut at a call of the store lets it take effect, and nothing behind it', async () => {
    const cut: Fault = {
      ...{ type: 'store', process: 0, life: 0 },
      ...{ point: 'store.persist', nth: 1, fault: 'powerCut' },
    };
    const trace = await runWorld(schedule({ faults: [cut] }));
    expect(trace.violations).toEqual([]);
    expect(trace.fired).toEqual([true]);
    const dead = trace.happenings.filter(({ what }) => what === 'dies').map(({ process }) => process);
    expect(dead).toEqual(['p0.0', 'p1.0']);
  });

  test('a power cut kills every process; what was committed stays', async () => {
    const trace = await runWorld(schedule({ faults: [{ type: 'powerCut', atMs: 350 }] }));
    expect(trace.violations).toEqual([]);
    const { happenings } = trace;
    expect(happenings.filter(({ what }) => what === 'dies').map(({ process }) => process)).toEqual([
      'p0.0',
      'p1.0',
    ]);
  });

  test('an operator asks to roll, and the owner does so', async () => {
    const trace = await runWorld(
      schedule({
        config: {
          processes: 1,
          roll: { maxBytes: 10_000, maxAgeMs: 5_000, maxIdleMs: 5_000, atCheckpoint: false },
        },
        faults: [{ type: 'roll', partition: 1, atMs: 100 }],
      }),
    );
    expect(trace.violations).toEqual([]);
    expect(trace.failpointHits).toMatchObject({
      'journal.fileRequest:before': 1,
      'journal.fileRequest:after': 1,
    });
    const events = eventsOf(trace);
    expect(events.map(({ type }) => type)).toContain('rollRequested');
    const rolls = events.flatMap((event) =>
      event.type === 'checkpointCompleted' ? event.parts.map(({ roll }) => roll?.reason ?? null) : [],
    );
    expect(rolls).toContain('operator');
  });

  test('processes join and leave', async () => {
    const trace = await runWorld(
      schedule({
        config: { processes: 1 },
        faults: [
          { type: 'join', process: 1, atMs: 100 },
          { type: 'leave', process: 0, atMs: 250 },
          { type: 'join', process: 0, atMs: 600 },
        ],
      }),
    );
    expect(trace.violations).toEqual([]);
    const starts = trace.happenings.filter(({ what }) => what === 'starts').map(({ process }) => process);
    expect(starts).toEqual(['p0.0', 'p1.0', 'p0.1']);
  });

  test('when all have left, somebody is there again to finish', async () => {
    const trace = await runWorld(
      schedule({ config: { processes: 1 }, faults: [{ type: 'leave', process: 0, atMs: 50 }] }),
    );
    expect(trace.violations).toEqual([]);
    expect(trace.completeAtMs).not.toBeNull();
  });
});

describe('rebalances', () => {
  /** Large batches over many buckets: the router waits for a part file several times within each of them. */
  const wide: LogItem[] = [0, 200, 400].map((atMs) => ({
    ...{ type: 'records', atMs, records: 12, nullEvery: 5 },
    ...{ timestampMs: WALL_START_MS, stepMs: 400 },
  }));
  const buckets = { by: 'record-time', pattern: 'ss', timezone: 'UTC' } as const;

  test('in the middle of a batch: each record is committed once, whenever they come', async () => {
    let epochs = 0;
    for (let atMs = 20; atMs <= 520; atMs += 20) {
      const trace = await runWorld(
        schedule({
          seed: atMs,
          config: { buckets, latencyMsMax: 10 },
          partitions: [wide, wide],
          faults: [
            { type: 'rebalance', atMs },
            { type: 'rebalance', atMs: atMs + 45 },
            { type: 'rebalance', atMs: atMs + 90 },
          ],
        }),
      );
      expect(trace.violations).toEqual([]);
      epochs += Math.max(...epochsOf(trace, 0)) + Math.max(...epochsOf(trace, 1)) - 2;
    }
    expect(epochs).toBeGreaterThan(20);
  });
});

describe('a zombie that made a file too late', () => {
  test.each(['file', 'oss', 'oss-hdfs'] as const)(
    '%s: removes it, also where the store refuses that at first',
    async (store) => {
      const point = 'store.discard';
      const refused = [1, 2, 3].map((nth): Fault => ({
        type: 'store',
        process: 1,
        life: 0,
        point,
        nth,
        fault: 'refused',
      }));
      const pause = { type: 'pause', process: 0, life: 0, nth: 1, point: 'store.create' } as const;
      const trace = await runWorld(
        schedule({
          // With others no file is made by process 0 on oss before it has lost its partition.
          seed: 3,
          config: { store },
          // The last record keeps the faults from being over when the sleeper wakes.
          partitions: [[...batches(2), { ...batches(1)[0]!, atMs: 9_000 }], batches(2)],
          faults: [{ ...pause, side: 'before', forMs: 4_000 }, ...refused],
        }),
      );
      expect(trace.fired).toEqual([true, true, true, true]);
      expect(trace.violations).toEqual([]);
      expect(trace.leftovers).toEqual([]);
    },
  );
});

/** Whichever session of it is asked. */
function withCommit(store: Store, commit: Store['commit']): Store {
  return { ...store, commit, session: () => withCommit(store.session(), commit) };
}

describe('what must not pass unseen', () => {
  test('a rejection that nobody handles is a failure of the run', async () => {
    const trace = await runWorld(schedule(), {
      adapt: (ports, { name }) => ({
        ...ports,
        source: new Proxy(ports.source, {
          get: (source, key) => {
            if (key === 'commitOffset' && name === 'p0.0')
              void Promise.reject(new Error('nobody waits for this'));
            const value: unknown = Reflect.get(source, key, source);
            return typeof value === 'function' ? (value.bind(source) as unknown) : value;
          },
        }),
      }),
    });
    expect(trace.unhandled).toContain('nobody waits for this');
    expect(trace.violations.map(({ invariant }) => invariant)).toContain('P6');
  });

  test('records that are never committed, although nothing is wrong any more', async () => {
    const trace = await runWorld(schedule({ config: { processes: 1 } }), {
      adapt: (ports) => ({
        ...ports,
        store: withCommit(ports.store, () => new Promise(() => undefined)),
      }),
    });
    expect(trace.completeAtMs).toBeNull();
    expect(trace.violations.map(({ invariant }) => invariant)).toContain('P5');
  });

  test('a process that stops without cause', async () => {
    const trace = await runWorld(schedule({ config: { processes: 1 } }), {
      adapt: (ports) => ({
        ...ports,
        store: withCommit(ports.store, () =>
          Promise.reject(new StoreFailure('contentDiffers', 'it is another file')),
        ),
      }),
    });
    expect(trace.violations.map(({ invariant }) => invariant)).toContain('P6');
  });
});
