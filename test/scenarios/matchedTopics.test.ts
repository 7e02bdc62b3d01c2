/** Topics that patterns find, or do not find: what is the matter with one ends no other. */
import { describe, expect, it, test } from 'vitest';
import { SourceFailure } from '../../src/sources/failure.ts';
import type { SourceFacts, SourceListener, TopicFacts } from '../../src/sources/port.ts';
import { JobFixture, numbered } from './jobFixture.ts';
import { MemorySource } from './memorySource.ts';
import { serve, until } from './service.ts';

test('a bounded run reads all others, and tells a pattern that matches nothing as stopped', async () => {
  const job = new JobFixture();
  const source = new MemorySource(1);
  source.append(0, ...numbered(0, 3));
  const facts = await source.describe();
  source.describe = () => Promise.resolve({ ...facts, unmatched: ['/clicks-.*/'] });
  const { stopped } = await job.coordinator({ source, untilEnd: true }).run(new AbortController().signal);
  expect(stopped).toMatchObject([{ partition: '/clicks-.*/', stop: { code: 'SOURCE_TOPIC_MISSING' } }]);
  expect(stopped[0]?.stop.message).toContain('the expression /clicks-.*/ matches no topic');
  expect([...job.committed().values()]).toEqual(['0:0\n0:1\n0:2\n']);
});

const gone = (): SourceFailure => new SourceFailure('topicMissing', 'Topic late does not exist.');
const leaderless = (): SourceFailure => new SourceFailure('unavailable', 'Kafka does not tell the offsets.');
const unfit = (): SourceFailure => new SourceFailure('startInvalid', 'late/0 is to begin at 9.');

/** Partition 1 is of the topic `late`, whose start offsets are refused as often as there are errors. */
class LateSource extends MemorySource {
  readonly leftOut: string[] = [];
  readonly asked: string[] = [];
  readonly late: TopicFacts;
  /** What start offsets wait for. */
  gate: Promise<unknown> = Promise.resolve();
  readonly #refusals: SourceFailure[];
  #coordinator: SourceListener | null = null;

  constructor(refusals: readonly SourceFailure[], isMatched = true) {
    super(2);
    this.#refusals = [...refusals];
    this.late = { topic: 'late', topicId: this.topicId, partitions: 1, isMatched };
    this.append(0, ...numbered(0, 3));
    this.append(1, ...numbered(1, 3));
  }

  override async startOffsets(topic: string): Promise<bigint[]> {
    this.asked.push(topic);
    await this.gate;
    const refusal = topic === 'late' ? this.#refusals.shift() : undefined;
    if (refusal !== undefined) throw refusal;
    return [0n, 0n];
  }

  override start(listener: SourceListener): Promise<void> {
    this.#coordinator = listener;
    this.assignBoth();
    return Promise.resolve();
  }

  leaveOut(topic: string): void {
    this.leftOut.push(topic);
  }

  appear(topic = 'late'): void {
    this.#coordinator?.topicAppeared({ ...this.late, topic });
  }

  override assign(): void {
    this.#coordinator?.assigned([{ topic: 'numbers', partition: 0 }]);
  }

  assignBoth(): void {
    this.#coordinator?.assigned([
      { topic: 'numbers', partition: 0 },
      { topic: 'late', partition: 1 },
    ]);
  }
}

describe('a topic that appears and has no start offsets', () => {
  it.each([
    ['is gone again', gone, true],
    ['has no leaders', leaderless, true],
    ['is named, and the offsets of the job file do not fit it', unfit, false],
    ['is found, and the offsets of the job file do not fit it', unfit, true],
  ])('since it %s, is left out each time with a warning, and then read', async (_why, error, isMatched) => {
    const job = new JobFixture();
    const source = new LateSource([error(), error()], isMatched);
    const { listening, coordinator, stop } = serve(job, { source });
    await until(() => coordinator.partitionsRunning === 1);
    const warnings = (): string[] => listening.seen.filter((message) => message.includes('is left out'));
    for (const times of [1, 2]) {
      source.appear();
      source.assignBoth();
      await until(() => source.leftOut.length === times);
      expect(warnings()).toHaveLength(times);
      expect(warnings().at(-1)).toBe(
        `${error().message} Topic late is left out until the next look for topics; all others are read.`,
      );
      expect(coordinator.partitionsRunning).toBe(1);
    }
    source.appear();
    source.assignBoth();
    await until(() => coordinator.partitionsRunning === 2);
    expect((await stop()).reason).toBe('signal');
  });
});

test('an assignment that waits for a topic is not carried out after a newer one', async () => {
  const source = new LateSource([]);
  const { coordinator, stop } = serve(new JobFixture(), { source });
  await until(() => coordinator.partitionsRunning === 1);
  const gate = Promise.withResolvers<null>();
  source.gate = gate.promise;
  source.appear();
  source.assignBoth();
  source.assign();
  source.appear('another');
  gate.resolve(null);
  await until(() => source.asked.includes('another'));
  expect(coordinator.partitionsRunning).toBe(1);
  await stop();
});

describe('a topic without start offsets that a pattern finds at the start', () => {
  const withLate = (source: LateSource, { topics: [numbers], ...facts }: SourceFacts): void => {
    const topics = [source.late, ...(numbers === undefined ? [] : [{ ...numbers, partitions: 1 }])];
    source.describe = () => Promise.resolve({ ...facts, topics });
  };

  it.each([
    ['is gone again', gone],
    ['has no leaders', leaderless],
  ])('since it %s, is left out, and read once it is found', async (_why, error) => {
    const source = new LateSource([error()]);
    withLate(source, await source.describe());
    const { coordinator, listening, stop } = serve(new JobFixture(), { source });
    await until(() => coordinator.partitionsRunning === 1);
    expect(source.leftOut).toEqual(['late']);
    expect(listening.seen.join()).toContain('Topic late is left out until the next look');
    source.appear();
    source.assignBoth();
    await until(() => coordinator.partitionsRunning === 2);
    await stop();
  });

  it('is waited for at the first start if no topic has any', async () => {
    const source = new LateSource([leaderless(), leaderless()]);
    const facts = await source.describe();
    source.describe = () => Promise.resolve({ ...facts, topics: [source.late] });
    const { coordinator, stop } = serve(new JobFixture(), { source });
    await until(() => coordinator.partitionsRunning === 1);
    expect([source.asked, source.leftOut]).toEqual([['late', 'late', 'late'], []]);
    await stop();
  });

  it.each([
    ['without leaders is told as stopped by a bounded run', leaderless, ['late SOURCE_UNAVAILABLE']],
    ['that is gone again is none to a bounded run', gone, []],
  ])('%s', async (_what, error, expected) => {
    const job = new JobFixture();
    const source = new LateSource([error()]);
    withLate(source, await source.describe());
    source.ranges = () => Promise.resolve([{ startOffset: 0n, endOffset: 3n }]);
    const { stopped } = await job.coordinator({ source, untilEnd: true }).run(new AbortController().signal);
    expect(stopped.map(({ partition, stop }) => `${partition} ${stop.code}`)).toEqual(expected);
    expect([...job.committed().values()]).toEqual(['0:0\n0:1\n0:2\n']);
  });
});
