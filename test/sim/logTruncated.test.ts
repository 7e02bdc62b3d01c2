import { describe, expect, test } from 'vitest';
import type { JournalEvent } from '../../journal/events.ts';
import type { Ports } from '../../src/job/context.ts';
import type { Fault, LogItem, RunTrace, Schedule } from '../../sim/schedule.ts';
import { runWorld } from '../../sim/world.ts';
import { shape } from './kafkaScene.ts';
import { batches, schedule } from './schedules.ts';

type Cut = Fault & { readonly type: 'logTruncated' };

/** By 300 ms the first four batches of four records are there and read; by then they are counted. */
const cut = (more: Partial<Cut> = {}): Cut => ({
  ...{ type: 'logTruncated', partition: 0, atMs: 300, batches: 3, grown: 20, unseen: false },
  ...more,
});
const accept = (atMs: number, skew = 0): Fault => ({
  ...{ type: 'request', partition: 0, atMs, asks: 'acceptTruncation', skew },
});

function stopsOf({ journal }: RunTrace): JournalEvent[] {
  const entries = journal.filter(({ subject }) => !subject.includes('.request.'));
  return entries
    .flatMap(({ text }) => (JSON.parse(text) as { events: JournalEvent[] }).events)
    .filter(({ type }) => type === 'partitionStopped');
}

const shown = ({ visible }: RunTrace): string[] =>
  visible.flatMap(({ content }) => (content ?? '').split('\n').slice(0, -1));

const one = (faults: readonly Fault[], partitions: Schedule['workload']['partitions'] = [batches(8)]) =>
  schedule({ config: { latencyMsMax: 2 }, partitions, faults });

describe('a log that is cut', () => {
  test('below what was read stops its partition, which says where', async () => {
    const trace = await runWorld(one([cut()]));
    expect(trace.violations).toEqual([]);
    expect(stopsOf(trace)).toMatchObject([{ code: 'SOURCE_TRUNCATED', truncation: { divergedAt: '12' } }]);
  });

  test('and grows past what was read while nobody is up stops whoever comes', async () => {
    const faults: Fault[] = [0, 1].map((process) => ({ type: 'kill', process, atMs: 280 }));
    const trace = await runWorld(
      schedule({
        config: { restartMs: 500 },
        partitions: [batches(8)],
        faults: [...faults, cut({ atMs: 400, batches: 5 })],
      }),
    );
    expect(trace.violations).toEqual([]);
    expect(stopsOf(trace)).toMatchObject([{ code: 'SOURCE_TRUNCATED' }]);
  });

  test('continues if an operator accepts it: each new record once, those of the old log stay', async () => {
    const trace = await runWorld(one([cut(), accept(2_000, 1), accept(4_000)]));
    expect(trace.violations).toEqual([]);
    const lines = shown(trace);
    expect(new Set(lines).size).toBe(lines.length);
    for (const { value } of trace.expected[0]!) expect(lines).toContain(value);
    for (const offset of [0, 4, 8]) expect(lines).toContain(`0:${offset}`);
    expect(trace.visible.some(({ uri }) => uri.endsWith('.g2'))).toBe(true);
  });

  test('above what was read is read on, without a stop', async () => {
    const held: Fault = { type: 'away', service: 'kafka', atMs: 0, forMs: 500 };
    const trace = await runWorld(one([held, cut()]));
    expect(trace.violations).toEqual([]);
    expect(trace.harms).toHaveLength(1);
    expect(stopsOf(trace)).toEqual([]);
    expect(shown(trace).toSorted()).toEqual(trace.expected[0]!.map(({ value }) => value).toSorted());
  });

  test('and is led by one who has a long log of an earlier leader epoch, which nobody had seen', async () => {
    const election: Fault = { type: 'election', partition: 0, atMs: 130 };
    const faults: Fault[] = [election, cut({ atMs: 350, unseen: true }), accept(3_000)];
    const trace = await runWorld(one(faults));
    expect(trace.violations).toEqual([]);
    expect(stopsOf(trace)).toMatchObject([{ code: 'SOURCE_TRUNCATED', truncation: { divergedAt: '12' } }]);
    for (const { value } of trace.expected[0]!) expect(shown(trace)).toContain(value);
  });

  test('and lacks two leader epochs and more: what stands where the first of them was is read', async () => {
    const elections = [150, 220].map((atMs): Fault => ({ type: 'election', partition: 0, atMs }));
    const faults: Fault[] = [...elections, cut({ atMs: 350, batches: 3, unseen: true }), accept(3_000)];
    const trace = await runWorld(one(faults));
    expect(trace.violations).toEqual([]);
    expect(stopsOf(trace)).toMatchObject([{ code: 'SOURCE_TRUNCATED', truncation: { divergedAt: '12' } }]);
    for (const { value } of trace.expected[0]!) expect(shown(trace)).toContain(value);
  });

  const transaction = (atMs: number, endsAtMs: number, committed: boolean): LogItem => ({
    ...{ type: 'transaction', atMs, endsAtMs, committed },
    ...shape(3),
  });

  test('holds holes and transactions, and changes its leader often, without a false stop', async () => {
    const items: LogItem[] = [
      ...batches(2),
      transaction(130, 260, true),
      { type: 'hole', atMs: 150, offsets: 4 },
      transaction(270, 700, false),
      { ...batches(1)[0]!, atMs: 400 },
    ];
    const elections = [40, 140, 200, 265, 300, 500, 800].map((atMs): Fault => ({
      type: 'election',
      partition: 0,
      atMs,
    }));
    const faults: Fault[] = [...elections, { type: 'kill', process: 0, atMs: 350 }];
    const trace = await runWorld(one(faults, [items]));
    expect(trace.violations).toEqual([]);
    expect(trace.harms).toEqual([]);
    expect(trace.completeAtMs).not.toBeNull();
  });
});

describe('a replica that was built anew behind compaction', () => {
  const hole = (atMs: number): LogItem => ({ type: 'hole', atMs, offsets: 4 });
  const election = (atMs: number, rebuilt = false): Fault => {
    return { type: 'election', partition: 0, atMs, rebuilt };
  };
  const items: LogItem[] = [...batches(2), hole(150), hole(250), { ...batches(1)[0]!, atMs: 400 }];

  test('knows nothing of the leader epochs that were read last, and is read on without a stop', async () => {
    const kills: Fault[] = [0, 1].map((process) => ({ type: 'kill', process, atMs: 350 }));
    const faults = [election(100), election(200), election(380), election(450, true), ...kills];
    const trace = await runWorld(
      schedule({ config: { latencyMsMax: 2, restartMs: 500 }, partitions: [items], faults }),
    );
    expect(trace.violations).toEqual([]);
    expect(stopsOf(trace)).toEqual([]);
    expect(trace.completeAtMs).not.toBeNull();
    expect(shown(trace).toSorted()).toEqual(trace.expected[0]!.map(({ value }) => value).toSorted());
  });
});

describe('a source that does not compare leader epochs', () => {
  /** Opens without what was read, and proves nothing at a checkpoint. */
  const blind = (ports: Ports): Ports => {
    const { source } = ports;
    const open: typeof source.open = (at, offset, topicId) => source.open(at, offset, topicId, null);
    return {
      ...ports,
      source: new Proxy(source, { get: (target, key) => (key === 'open' ? open : bound(target, key)) }),
    };
  };

  function bound(target: object, key: string | symbol): unknown {
    const value: unknown = Reflect.get(target, key);
    return typeof value === 'function' ? (value.bind(target) as unknown) : value;
  }

  test('continues over a log that was cut while nobody was up, and the checkers see it', async () => {
    const faults: Fault[] = [0, 1].map((process) => ({ type: 'kill', process, atMs: 280 }));
    const cutAway = schedule({
      config: { restartMs: 500 },
      partitions: [batches(8)],
      faults: [...faults, cut({ atMs: 400, batches: 5 })],
    });
    const trace = await runWorld(cutAway, { adapt: blind });
    expect(trace.violations.map(({ invariant }) => invariant)).toContain('P1');
  });
});
