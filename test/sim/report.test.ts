import { describe, expect, it } from 'vitest';
import { fuzzLines } from '../../src/cli/fuzzText.ts';
import type { World } from '../../sim/executor.ts';
import type { FuzzReport } from '../../sim/report.ts';
import { fuzz, type FuzzOptions } from '../../sim/runner.ts';
import { parseSchedule } from '../../sim/scheduleText.ts';
import type { Violation } from '../../sim/schedule.ts';
import { runWorld } from '../../sim/world.ts';

const LOST: Violation = {
  ...{ invariant: 'P1', message: 'partition 0 lacks 3', partition: 0, offsets: ['3'] },
  files: ['file:///lake/part-numbers-0-00000000000000000000'],
};

/** The world, in which the promise is broken wherever a process was killed. */
const fragile: World = async (schedule, options) => {
  const trace = await runWorld(schedule, options);
  const isKilled = schedule.faults.some(({ type }, index) => type === 'kill' && trace.fired[index] === true);
  return { ...trace, violations: isKilled ? [LOST] : [] };
};

async function report(options: Partial<FuzzOptions>): Promise<FuzzReport> {
  return fuzz({
    ...{ seed: 4, store: 'file', job: null, mode: { type: 'runs', runs: 20 } },
    ...{ nowMs: () => 0, signal: new AbortController().signal },
    ...options,
  });
}

const textOf = (made: FuzzReport): string => fuzzLines(made).join('\n');
const withoutTiming = ({ timing: _, ...rest }: FuzzReport): string => JSON.stringify(rest);

describe('the report of a broken promise', { timeout: 120_000 }, () => {
  it('names the invariant, the offsets by file, the shrunk schedule, the journal, the command', async () => {
    const made = await report({ world: fragile });
    expect(made).toMatchObject({ verdict: 'violated', isComplete: true, failure: { invariant: 'P1' } });
    const { foundInRun, schedule } = made.failure!;
    // Shrunk to the one fault that it takes.
    expect(schedule.faults.map(({ type }) => type)).toEqual(['kill']);
    const lines = textOf(made).split('\n');
    expect(lines[0]).toMatch(/^violated: P1 is broken in the last of \d+ schedules?, seed 4, store file$/);
    expect(lines).toContain('P1: partition 0 lacks 3');
    expect(lines).toContain('  offsets of partition 0: 3');
    expect(lines).toContain('  file: file:///lake/part-numbers-0-00000000000000000000');
    expect(lines).toContainEqual(
      expect.stringMatching(
        new RegExp(`^the schedule, shrunk from that of run ${String(foundInRun)} in \\d+ runs:$`),
      ),
    );
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}the process in place \d is killed at \d+ ms$/));
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}\d+ ms {2}partition 0 seq \d+ epoch 1: /));
    const [, text = ''] = /^replay it: .* npx tidemark fuzz --schedule FILE\n(.*)$/m.exec(textOf(made)) ?? [];
    expect(JSON.parse(text)).toEqual(schedule);
  });

  it('is found again, the same, by the schedule that it prints', async () => {
    const { failure } = await report({ world: fragile });
    const schedule = parseSchedule(failure!.scheduleText, 'FILE');
    const again = await report({ world: fragile, mode: { type: 'replay', schedule } });
    expect(again).toMatchObject({ verdict: 'violated', schedules: 1 });
    expect(again.failure).toEqual({ ...failure, ...{ foundInRun: null, shrinkRuns: 0 } });
    expect(textOf(again)).toContain('\nthe schedule:\n');
  });

  it('of an exhausted schedule is found again by the schedule that it prints', async () => {
    const strict: World = async (schedule, options) => {
      const trace = await runWorld(schedule, options);
      const last = schedule.faults.at(-1);
      const isStruck = last?.type === 'crash' && last.point === 'journal.claim' && last.process === 1;
      return { ...trace, violations: isStruck ? [LOST] : [] };
    };
    const made = await report({ world: strict, mode: { type: 'exhaustive', strikes: 1 } });
    const { schedule } = made.failure!;
    expect(schedule.faults.at(-1)).toMatchObject({ type: 'crash', process: 1, point: 'journal.claim' });
    const again = await report({ world: strict, mode: { type: 'replay', schedule } });
    expect(again.failure).toEqual(made.failure);
  });

  it("reads the journal also if it holds operators' requests, and no partition is concerned", async () => {
    const nobodys: World = async (schedule, options) => {
      const trace = await runWorld(schedule, options);
      const isAsked = trace.journal.some(({ subject }) => subject.includes('.request.'));
      return { ...trace, violations: isAsked ? [{ ...LOST, partition: null, files: ['file:///x'] }] : [] };
    };
    const made = await report({ world: nobodys, mode: { type: 'runs', runs: 90 } });
    const types = made.failure!.schedule.faults.map(({ type }) => type);
    expect(types).toHaveLength(1);
    expect(['roll', 'request']).toContain(types[0]);
    expect(textOf(made)).toContain('an operator asks at');
  });
});

describe('a report', { timeout: 120_000 }, () => {
  it('counts what was exhausted, level by level', async () => {
    const made = await report({ world: runWorld, mode: { type: 'exhaustive', strikes: 1 } });
    const [none, singles] = made.levels;
    const lines = textOf(made).split('\n');
    expect(lines[1]).toBe('  no fault: 1 schedule, in 1 the last fault took place');
    expect(lines[2]).toBe(
      `  single faults: ${singles!.schedules} schedules, in ${singles!.hit} the last fault took place`,
    );
    expect(made.schedules).toBe(none!.schedules + singles!.schedules);
  });

  it('names failpoints that nobody passed', async () => {
    const deaf: World = async (schedule, options) => {
      const trace = await runWorld(schedule, options);
      const { 'journal.claim:after': _, ...failpointHits } = trace.failpointHits;
      return { ...trace, failpointHits };
    };
    const made = await report({ world: deaf });
    expect(made.neverPassed).toContain('journal.claim:after');
    expect(textOf(made)).toMatch(/^never passed: .*journal\.claim:after/m);
    const { passed } = made.failpoints.find(
      ({ point, side }) => point === 'journal.claim' && side === 'after',
    )!;
    expect(passed).toBe(0);
  });

  it('of an interrupted run says so, and what was found until then', async () => {
    const stop = new AbortController();
    const onProgress: FuzzOptions['onProgress'] = ({ schedules }) => {
      if (schedules === 5) stop.abort();
    };
    const made = await report({ world: runWorld, signal: stop.signal, onProgress });
    expect(made).toMatchObject({ verdict: 'held', isComplete: false });
    expect(made.schedules).toBeLessThan(20);
    expect(textOf(made)).toMatch(/^held: .*; interrupted, 20 were to be run$/m);
  });

  it('is the same for the same seed, byte for byte, on one thread and on many', async () => {
    const mode = { type: 'runs', runs: 120 } as const;
    const one = await report({ mode, threads: 1 });
    const many = await report({ mode, threads: 2 });
    expect(one.timing.threads).toBe(1);
    expect(many.timing.threads).toBe(2);
    expect(withoutTiming(many)).toBe(withoutTiming(one));
  });
});
