import { describe, expect, test } from 'vitest';
import type { Fault, RunTrace, Schedule } from '../../sim/schedule.ts';
import { runWorld } from '../../sim/world.ts';
import { batches, schedule } from './schedules.ts';

/** Partition 0 is the first topic's, partition 1 the second one's. */
function two(faults: readonly Fault[], second = 1): Schedule {
  const made = schedule({
    config: { latencyMsMax: 2, restartMs: 50 },
    partitions: [batches(8), batches(8)],
    faults,
  });
  return { ...made, workload: { ...made.workload, second } };
}

const deploy = (process: number, atMs: number, second: boolean): Fault => {
  return { type: 'deploy', process, atMs, second };
};

const eventsOf = ({ journal }: RunTrace, name: string): string[] =>
  journal
    .filter(({ subject }) => subject.endsWith(name))
    .flatMap(({ text }) => text.match(/"type":"\w+"/g) ?? []);

const linesOf = ({ visible }: RunTrace): string[] =>
  visible.flatMap(({ content }) => (content ?? '').split('\n').slice(0, -1));

describe('a second topic', () => {
  test('is read beside the first', async () => {
    const trace = await runWorld(two([]));
    expect(trace.violations).toEqual([]);
    expect(linesOf(trace)).toHaveLength(trace.expected.flat().length);
    expect(trace.journal.some(({ subject }) => subject.endsWith('.letters.1'))).toBe(true);
  });

  test('that no configuration names any more is retired, and what was counted of it published', async () => {
    const trace = await runWorld(two([deploy(0, 300, false), deploy(1, 300, false)]));
    expect(trace.violations).toEqual([]);
    expect(eventsOf(trace, '.letters.1')).toContain('"type":"partitionRetired"');
    const lines = linesOf(trace);
    expect(lines).toContain('1:0');
    for (const { value } of trace.expected[0]!) expect(lines).toContain(value);
  });

  test('is read on where it is named again', async () => {
    const faults = [deploy(0, 200, false), deploy(1, 200, false), deploy(0, 2_500, true)];
    const trace = await runWorld(two(faults));
    expect(trace.violations).toEqual([]);
    expect(eventsOf(trace, '.letters.1')).toContain('"type":"partitionRetired"');
    for (const { value } of trace.expected[1]!) expect(linesOf(trace)).toContain(value);
  });

  test('is read by who names it, while others do not', async () => {
    for (const process of [0, 1]) {
      const trace = await runWorld(two([deploy(process, 0, false), deploy(process, 900, true)]));
      expect(trace.violations).toEqual([]);
      for (const { value } of trace.expected.flat()) expect(linesOf(trace)).toContain(value);
    }
  });

  test('that is deleted is retired: nothing that was counted is missing, and nobody stops', async () => {
    const trace = await runWorld(two([{ type: 'deleteTopic', atMs: 300 }]));
    expect(trace.violations).toEqual([]);
    expect(eventsOf(trace, '.letters.1')).toContain('"type":"partitionRetired"');
    expect(eventsOf(trace, '.letters.1')).not.toContain('"type":"partitionStopped"');
    expect(linesOf(trace)).toContain('1:0');
  });
});
