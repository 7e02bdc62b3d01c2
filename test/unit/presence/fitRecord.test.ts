/** A presence record that has to fit: what is left out is counted, and what is urgent stays. */
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/system/clock.ts';
import type { LastingCondition } from '../../../src/telemetry/conditions.ts';
import { DependencyWatch } from '../../../src/presence/dependencies.ts';
import { decodePresence, encodePresence, type PresenceFacts } from '../../../src/presence/record.ts';

const partitionsOf = (count: number): PresenceFacts['partitions'] =>
  Array.from({ length: count }, (_, partition) => ({ topic: 'clicks', partition, state: 'running' }));

const conditionsOf = (
  count: number,
  kind: LastingCondition['kind'],
  message = 'It is away.',
): LastingCondition[] =>
  Array.from({ length: count }, (_, partition) => ({
    ...{ kind, about: `clicks/${partition}`, code: 'STORE_UNAVAILABLE', message },
    ...{ help: 'Wait.', sinceMs: 0, times: 1 },
  }));

const answersOf = (count: number): PresenceFacts['answers'] =>
  Array.from({ length: count }, (_, requestId) => ({
    ...{ topic: 'clicks', partition: 0, requestId, isAccepted: false, reason: 'no' },
  }));

function factsOf(changes: Partial<PresenceFacts>): PresenceFacts {
  return {
    ...{ v: 1, id: 'a', job: 'clicks', journalId: 'j', host: 'h', pid: 1, version: '1', startedAtMs: 0 },
    ...{ partitions: [], conditions: [], answers: [] },
    dependencies: new DependencyWatch(systemClock).answers,
    ...changes,
  };
}

function told(changes: Partial<PresenceFacts>, bytesMax: number) {
  const bytes = encodePresence(factsOf(changes), bytesMax);
  expect(bytes.byteLength).toBeLessThanOrEqual(bytesMax);
  const record = decodePresence(bytes);
  if (record === null) throw new Error('it cannot be read');
  return record;
}

describe('a presence record', () => {
  test('that fits tells all of it', () => {
    const facts = { partitions: partitionsOf(200), conditions: conditionsOf(200, 'retried') };
    const record = told({ ...facts, answers: answersOf(200) }, 100_000);
    expect(record).toMatchObject(facts);
    expect(record.omitted).toEqual({ partitions: 0, conditions: 0, answers: 0 });
  });

  test.each([2_000, 10_000, 100_000, 1_000_000])(
    'fits into %i bytes, and counts what it leaves out',
    (room) => {
      const facts = {
        partitions: partitionsOf(20_000),
        conditions: conditionsOf(20_000, 'retried', 'ö"'.repeat(1_500)),
        answers: answersOf(200),
      };
      const { partitions, conditions, answers, omitted } = told(facts, room);
      expect(partitions.length + omitted.partitions).toBe(20_000);
      expect(conditions.length + omitted.conditions).toBe(20_000);
      expect(answers.length + omitted.answers).toBe(200);
      expect(partitions.length).toBeGreaterThan(0);
      // Of what somebody waits for the newest stands.
      expect(answers.at(-1)).toMatchObject({ requestId: 199 });
      if (room >= 100_000) expect(conditions.length).toBeGreaterThan(0);
    },
  );

  test('of few partitions leaves its room to what lasts', () => {
    const facts = { partitions: partitionsOf(2), conditions: conditionsOf(400, 'retried') };
    expect(told(facts, 50_000).conditions.length).toBeGreaterThan(300);
  });

  test('keeps what is urgent', () => {
    const [halted, stopped] = [conditionsOf(3, 'halted'), conditionsOf(3, 'stopped')];
    const conditions = [...conditionsOf(5_000, 'waiting'), ...stopped, ...halted];
    for (const room of [5_000, 10_000_000]) {
      const found = told({ conditions }, room).conditions;
      expect(found.slice(0, 6)).toEqual([...halted, ...stopped]);
    }
  });

  test('whose dependencies have much to say shortens that', () => {
    const watch = new DependencyWatch(systemClock);
    watch.failed('source', new Error('x'.repeat(100_000)));
    watch.failed('destination', new Error('x'.repeat(100_000)));
    const { dependencies } = told({ dependencies: watch.answers, partitions: partitionsOf(9) }, 3_000);
    expect(dependencies.source.message).toMatch(/^x{200}…$/);
  });

  test('of an earlier Tidemark, which counts nothing, is read', () => {
    const bytes = new TextEncoder().encode(JSON.stringify(factsOf({})));
    expect(decodePresence(bytes)?.omitted).toEqual({ partitions: 0, conditions: 0, answers: 0 });
  });
});
