/** Stretches of journals become schedules: here of journals that the world itself has written. */
import { describe, expect, it } from 'vitest';
import { asItHappened } from '../../sim/history/asItHappened.ts';
import { epochsOf } from '../../sim/history/epochs.ts';
import { fuzzLines } from '../../src/cli/fuzzText.ts';
import { crashPointsAround } from '../../sim/history/crashPoints.ts';
import { historyOf, likenessOf } from '../../sim/history/history.ts';
import { Corpus } from '../../sim/draw/corpus.ts';
import { nextVariation } from '../../sim/draw/vary.ts';
import { fuzz } from '../../sim/runner.ts';
import type { World } from '../../sim/executor.ts';
import type { Fault, Schedule, Violation } from '../../sim/schedule.ts';
import { parseSchedule, scheduleText } from '../../sim/scheduleText.ts';
import { runWorld } from '../../sim/world.ts';
import { goldenJournals } from '../golden/goldenFile.ts';
import { batches, schedule } from './schedules.ts';
import { again, entriesOf, JOB, journalOf, lived, SHAPE, stretchOf } from './journaled.ts';

interface Case {
  readonly name: string;
  readonly faults: readonly Fault[];
  /** How each ownership ended. */
  readonly ends: readonly (string | null)[];
  /** Kinds of faults that are made of it; in the order of the schedule. */
  readonly made: readonly Fault['type'][];
  /** Events that are journaled as often in the world. */
  readonly alike: readonly string[];
}

const CASES: readonly Case[] = [
  { name: 'nothing happens', faults: [], ends: [null], made: [], alike: ['epochClaimed'] },
  {
    name: 'the process is killed twice',
    faults: [
      { type: 'kill', process: 0, atMs: 300 },
      { type: 'kill', process: 0, atMs: 900 },
    ],
    ends: ['died', 'died', null],
    made: ['crash', 'crash'],
    alike: ['epochClaimed'],
  },
  {
    name: 'it drains, another goes on, and comes back',
    faults: [
      { type: 'leave', process: 0, atMs: 400 },
      { type: 'join', process: 1, atMs: 2_000 },
    ],
    ends: ['drained', null],
    made: ['leave', 'join'],
    alike: ['epochClaimed'],
  },
  {
    name: 'it sleeps past its session, another takes over, and it gets the partition back',
    faults: [
      { type: 'join', process: 1, atMs: 100 },
      { type: 'freeze', process: 0, atMs: 350, forMs: 5_000 },
    ],
    ends: ['handedOver', 'died', null],
    made: ['leave', 'join', 'crash', 'leave', 'join'],
    alike: ['epochClaimed'],
  },
  {
    name: 'nobody knows whether a call to the store took effect, and the owner claims anew',
    faults: [{ type: 'store', process: 0, life: 0, nth: 2, point: 'store.persist', fault: 'lostReply' }],
    ends: ['claimedAgain', null],
    made: ['store'],
    alike: ['epochClaimed', 'partDiscarded'],
  },
  {
    name: 'the log goes back, and an operator accepts it',
    faults: [
      { type: 'logTruncated', partition: 0, atMs: 400, batches: 2, grown: 3, unseen: false },
      { type: 'request', partition: 0, atMs: 1_500, asks: 'acceptTruncation', skew: 0 },
    ],
    ends: ['answered', null],
    made: ['logTruncated', 'request'],
    alike: ['epochClaimed', 'partitionStopped', 'logTruncationAccepted'],
  },
  {
    name: 'retention overtakes the job, and an operator accepts the loss',
    faults: [
      { type: 'freeze', process: 0, atMs: 350, forMs: 400 },
      { type: 'expire', partition: 0, atMs: 600, keep: 0 },
      { type: 'request', partition: 0, atMs: 2_500, asks: 'acceptLoss', skew: 0 },
    ],
    ends: ['answered', null],
    made: ['freeze', 'expire', 'request'],
    alike: ['epochClaimed', 'partitionStopped', 'lossAccepted'],
  },
  {
    name: 'an operator rolls, and another leader is elected',
    faults: [
      { type: 'roll', partition: 0, atMs: 200 },
      { type: 'election', partition: 0, atMs: 300 },
    ],
    ends: [null],
    made: ['election', 'roll'],
    alike: ['epochClaimed', 'rollRequested'],
  },
];

describe('a stretch of a journal happens again', () => {
  it.each(CASES)('$name', async ({ faults, ends, made, alike }) => {
    const { history, happened } = await again(await lived(faults));
    const { schedule, trace, notes } = happened;
    expect(epochsOf(history.stretch).map(({ end }) => end)).toEqual(ends);
    expect(schedule.faults.map(({ type }) => type)).toEqual(made);
    expect(trace.violations).toEqual([]);
    expect(trace.fired).toEqual(schedule.faults.map(() => true));
    expect(notes).toEqual([]);
    const found = likenessOf(history, happened).filter(({ event }) => alike.includes(event));
    expect(found.map(({ event }) => event).sort()).toEqual([...alike].sort());
    for (const { event, stretch, world } of found)
      expect({ event, times: world }).toEqual({ event, times: stretch });
    // The schedule alone replays it.
    expect(parseSchedule(scheduleText(schedule), 'FILE')).toEqual(schedule);
  });

  it('but for files that are lost and repaired, which it tells', async () => {
    const damage = {
      type: 'damage',
      partition: 0,
      atMs: 450,
      how: 'removed',
      all: true,
      killed: true,
    } as const;
    const { history, happened } = await again(await lived([damage]));
    expect(epochsOf(history.stretch).map(({ end }) => end)).toEqual(['died', 'answered', null]);
    expect(happened.schedule.faults.map(({ type }) => type)).toEqual(['crash']);
    expect([...happened.notes].join()).toContain('files were lost and repaired');
    expect(likenessOf(history, happened)).toContainEqual({ event: 'partitionRewound', stretch: 1, world: 0 });
  });

  it('with as many records and offsets without one, as long as there are few', async () => {
    const hole = { type: 'hole', atMs: 500, offsets: 7 } as const;
    const items = [...batches(8), hole, ...batches(12).map((item) => ({ ...item, atMs: item.atMs + 600 }))];
    const trace = await runWorld(schedule({ partitions: [items], config: { processes: 1 } }));
    const { history, happened } = await again(trace);
    const made = happened.schedule.workload.partitions[0] ?? [];
    const holes = made.filter((item) => item.type === 'hole');
    expect(holes.map(({ offsets }) => offsets)).toEqual([7]);
    const records = made.filter((item) => item.type === 'records');
    expect(records.reduce((sum, item) => sum + item.records, 0)).toBe(80);
    const nulls = records.filter(({ nullEvery }) => nullEvery === 1);
    expect(nulls.reduce((sum, item) => sum + item.records, 0)).toBe(4);
    expect(history.settings.recordScale).toBe(1);
  });

  it('at the moments of the protocol at which it happened', async () => {
    const { happened } = await again(await lived([{ type: 'kill', process: 0, atMs: 300 }]));
    expect(happened.schedule.faults).toMatchObject([{ type: 'crash', process: 0, life: 0, side: 'after' }]);
    const claims = happened.trace.journal.filter(({ text }) => text.includes('"type":"epochClaimed"'));
    // It is about the last claim.
    expect(happened.aroundMs).toBe(claims.at(-1)?.atMs);
  });

  it('with one bucket for each that was seen, one after the other', async () => {
    const config = {
      buckets: { by: 'record-time', pattern: 'HH-mm-ss', timezone: 'UTC' },
      roll: { ...SHAPE.roll, maxBytes: 1_000 },
    } as const;
    const trace = await lived([], config);
    const shape = { ...SHAPE, ...config };
    const { history, happened } = await again(trace, { ...JOB, shape });
    const { buckets } = history.reads.files;
    expect(buckets.size).toBeGreaterThan(10);
    const opened = (text: string): string[] =>
      [...text.matchAll(/"bucket":"([^"]*)"/g)].map(([, name = '']) => name);
    const names = new Set(happened.trace.journal.flatMap(({ text }) => opened(text)));
    expect(names.size).toBe(buckets.size);
  });

  it('with files that grow to their size with a share of the records that it was', async () => {
    const { history } = await again(await lived([]));
    const { rolledBySize } = history.reads.files;
    expect(rolledBySize.length).toBeGreaterThan(3);
    const mean = rolledBySize.reduce((sum, records) => sum + records, 0) / rolledBySize.length;
    expect(history.settings.config.roll.maxBytes).toBe(Math.round(mean * 5));
    expect(history.settings.job.notes).toEqual([`roll at 128 MiB, here ${Math.round(mean * 5)} B`]);
  });

  it('of every golden journal', { timeout: 120_000 }, async () => {
    let stretches = 0;
    for (const { name, subjects } of goldenJournals()) {
      for (const [subject, { entries }] of subjects) {
        const [, kind] = subject.split('.');
        if (kind !== 'partition' || !subject.endsWith('.0')) continue;
        const history = historyOf(await stretchOf(entriesOf(entries)), JOB, 3);
        const { crashes, violations } = await violationsOf(history);
        expect(violations, `${name} ${subject}`).toEqual([]);
        expect(crashes, name).toBeGreaterThan(10);
        stretches += 1;
      }
    }
    expect(stretches).toBeGreaterThan(8);
  });
});

async function violationsOf(history: ReturnType<typeof historyOf>) {
  const { trace, aroundMs } = await asItHappened(runWorld, history);
  return { violations: trace.violations, crashes: crashPointsAround(trace, aroundMs).length };
}

describe('the stretch', () => {
  it('is around the last claim or stop, the entry or the time that is asked for', async () => {
    const entries = journalOf(await lived([{ type: 'kill', process: 0, atMs: 600 }]));
    const own = entries.filter(({ partition }) => partition === 0);
    const types = async (around: Parameters<typeof stretchOf>[1]): Promise<readonly string[]> => {
      const stretch = await stretchOf(entries, around);
      const found = stretch.entries[stretch.around]?.entry;
      return [String(found?.seq), ...(found?.events ?? []).map(({ type }) => type)];
    };
    const claim = own.findLast(({ events }) => events.some(({ type }) => type === 'epochClaimed'));
    expect(await types(null)).toEqual([String(claim?.seq), 'epochClaimed']);
    expect((await types({ type: 'entry', seq: 3 }))[0]).toBe('3');
    const [, , , fourth, fifth] = own;
    const between = new Date((Date.parse(fourth!.at) + Date.parse(fifth!.at)) / 2).toISOString();
    const last = own.findLast(({ at }) => at <= between);
    expect((await types({ type: 'time', iso: between }))[0]).toBe(String(last?.seq));
  });

  it('is no longer than the world can live', async () => {
    const entries = journalOf(await lived([]));
    const [job, own] = [
      entries.filter((one) => one.partition < 0),
      entries.filter((one) => one.partition === 0),
    ];
    const checkpoint = own.find(({ events }) => events[0]?.type === 'checkpointCompleted')!;
    const many = Array.from({ length: 5_000 }, (_, index) => ({
      ...checkpoint,
      seq: own.length + 1 + index,
    }));
    const stretch = await stretchOf([...job, ...own, ...many], { type: 'entry', seq: 2_000 });
    expect(stretch.entries).toHaveLength(91);
    expect(stretch.entries[stretch.around]?.entry.seq).toBe(2_000);
    expect(stretch.entries.at(-1)?.entry.seq).toBe(2_030);
  });

  it.each([
    [
      { type: 'entry', seq: 900 },
      /^Entry 900 is outside of the journal of numbers\/0\. It holds entries 1 to \d+, from 2/,
    ],
    [
      { type: 'time', iso: '2020-01-01T00:00:00.000Z' },
      /^2020-01-01T00:00:00\.000Z is outside of the journal/,
    ],
    [
      { type: 'time', iso: '2090-01-01T00:00:00.000Z' },
      /^2090-01-01T00:00:00\.000Z is outside of the journal/,
    ],
  ] as const)('%j: what the journal holds is said', async (around, message) => {
    const refused = stretchOf(journalOf(await lived([])), around);
    await expect(refused).rejects.toMatchObject({ code: 'REQUEST_REFUSED' });
    await expect(refused).rejects.toThrow(message);
  });

  it('of a journal without an entry is none', async () => {
    await expect(stretchOf([])).rejects.toMatchObject({ message: 'The journal of numbers/0 is empty.' });
  });
});

const LOST: Violation = {
  ...{ invariant: 'P1', message: 'partition 0 lacks 3', partition: 0, offsets: ['3'], files: [] },
};

describe('fuzzing a history', { timeout: 120_000 }, () => {
  const report = async (world: World, runs = 20) => {
    const trace = await lived([{ type: 'kill', process: 0, atMs: 600 }]);
    const of = historyOf(await stretchOf(journalOf(trace)), JOB, 4);
    return fuzz({
      ...{ seed: 4, store: 'file', job: of.settings.job, mode: { type: 'history', runs } },
      ...{ nowMs: () => 0, signal: new AbortController().signal, world },
      history: { partition: 'numbers/0', of },
    });
  };

  it('tries it as it happened, then each crash point, then variations; and says what it made', async () => {
    const made = await report(runWorld);
    expect(made).toMatchObject({ verdict: 'held', isComplete: true, failure: null });
    const [happened, crashPoints, variations] = made.history!.stages;
    expect(happened).toEqual({ what: 'as it happened', schedules: 1 });
    expect(crashPoints!.schedules).toBe(120);
    expect(variations).toEqual({ what: 'variations', schedules: 20 });
    expect(made.schedules).toBe(141);
    const text = fuzzLines(made).join('\n');
    expect(text).toContain('\n  tried: as it happened; 120 crash points; 20 variations\n');
    expect(text).toMatch(/\n {2}partition numbers\/0, entries 1 to \d+ \(2/);
    expect(text).toMatch(/\n {2}around entry \d+ of 2[\d-]+T[\d:.]+Z: epochClaimed\n/);
    expect(text).toMatch(/\n {4}crash of p0\.0 .* after journal\.append took effect/);
    // Whoever recovers is struck, too.
    expect(made.faults.find(({ type }) => type === 'pause')!.hit).toBeGreaterThan(40);
  });

  it('reports what is broken as it happened with that very schedule', async () => {
    const strict: World = async (schedule, options) => {
      const trace = await runWorld(schedule, options);
      return { ...trace, violations: [LOST] };
    };
    const made = await report(strict);
    expect(made.verdict).toBe('violated');
    expect(made.history!.stages.map(({ what }) => what)).toEqual(['as it happened']);
    expect(made.failure!.schedule).toEqual(made.history!.schedule);
    expect(fuzzLines(made)).toContain('the schedule:');
  });

  it('shrinks what is broken at a crash point', async () => {
    const fragile: World = async (schedule, options) => {
      const trace = await runWorld(schedule, options);
      const isStruck = schedule.faults.some(
        ({ type }, index) => type === 'pause' && trace.fired[index] === true,
      );
      return { ...trace, violations: isStruck ? [LOST] : [] };
    };
    const made = await report(fragile);
    expect(made.history!.stages.map(({ what }) => what)).toEqual(['as it happened', 'crash points']);
    expect(made.failure!.schedule.faults.map(({ type }) => type)).toEqual(['pause']);
    expect(fuzzLines(made)).toContainEqual(expect.stringMatching(/^the schedule, shrunk in \d+ runs:$/));
  });

  it('varies the faults and settings, never the log, and follows from seed and run alone', async () => {
    const { happened } = await again(await lived([{ type: 'join', process: 2, atMs: 300 }]));
    const { schedule } = happened;
    const moved = {
      ...schedule,
      faults: [...schedule.faults, { type: 'join', process: 2, atMs: 9 } as const],
    };
    const base = { schedule: moved, moments: [400] };
    const drawn = (run: number): Schedule =>
      nextVariation(5, run, base, new Corpus(), { store: 'file', job: SHAPE });
    const variations = Array.from({ length: 40 }, (_, run) => drawn(run));
    for (const { workload, config } of variations) {
      expect(workload).toEqual(schedule.workload);
      expect(config.roll).toEqual(schedule.config.roll);
    }
    expect(
      variations.filter((one) => one.faults.some((fault) => fault.type === 'join' && fault.process === 2))
        .length,
    ).toBeGreaterThan(20);
    expect(new Set(variations.map(scheduleText)).size).toBeGreaterThan(35);
    expect(drawn(7)).toEqual(variations[7]);
  });
});
