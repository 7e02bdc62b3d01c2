/** Bounded runs that do not have all partitions of their topics to themselves. */
import { describe, expect, test } from 'vitest';
import { SourceFailure } from '../../src/sources/failure.ts';
import type { GroupMember, SourceFacts, SourceListener } from '../../src/sources/port.ts';
import { expectEachRecordOnce, hastyClock, JobFixture, numbered } from './jobFixture.ts';
import { MemorySource } from './memorySource.ts';
import { Listening } from './service.ts';

/** A member of the group that is assigned only these partitions. */
class PartSource extends MemorySource {
  readonly #own: readonly number[];
  readonly neighbours: readonly GroupMember[];

  constructor(
    cluster: number | MemorySource,
    own: readonly number[],
    neighbours: readonly GroupMember[] = [],
  ) {
    super(cluster);
    this.#own = own;
    this.neighbours = neighbours;
  }

  override async start(listener: SourceListener): Promise<void> {
    await super.start({ ...listener, assigned: () => undefined });
    listener.assigned(this.#own.map((partition) => ({ topic: this.topic, partition })));
  }

  others(): Promise<readonly GroupMember[]> {
    return Promise.resolve(this.neighbours);
  }
}

const NEVER = new AbortController().signal;
const lasting: GroupMember = { name: 'client (m-1)', job: 'numbers', topics: ['numbers'], isBounded: false };

function filled(partitions: number): MemorySource {
  const source = new MemorySource(partitions);
  for (const partition of source.logs.keys()) source.append(partition, ...numbered(partition, 20));
  return source;
}

describe('a bounded run', () => {
  test('ends only when the journal shows the partitions of the others at their ends', async () => {
    const job = new JobFixture();
    const cluster = filled(2);
    const listening = new Listening();
    const waiting = listening.heard('waiting for others to read numbers/1');
    const clock = hastyClock();
    const first = job.coordinator({
      source: new PartSource(cluster, [0]),
      untilEnd: true,
      clock,
      log: listening.log,
    });
    const ended = first.run(NEVER);
    await waiting;
    expect(first.state).toBe('running');
    const second = job.coordinator({ source: new PartSource(cluster, [1]), untilEnd: true, clock });
    expect(await second.run(NEVER)).toMatchObject({ reason: 'end', stopped: [] });
    expect(await ended).toMatchObject({ reason: 'end', stopped: [] });
    expectEachRecordOnce(job, 2, 20);
  });

  test('does not end well where nobody reads a partition of its topics, and names it', async () => {
    const job = new JobFixture();
    const run = job.coordinator({
      ...{ source: new PartSource(filled(2), []), untilEnd: true, clock: hastyClock(1_000) },
    });
    await expect(run.run(NEVER)).rejects.toMatchObject({
      code: 'SOURCE_NOT_AT_END',
      fields: { partitions: ['numbers/0', 'numbers/1'] },
    });
  });

  test('tells a partition that stopped at another member, and does not wait for it', async () => {
    const job = new JobFixture();
    const cluster = filled(2);
    const clock = hastyClock();
    const broken = new PartSource(cluster, [1]);
    broken.breakFeeds(new SourceFailure('rangeLost', 'records 0 to 4 are gone'));
    const ends = [new PartSource(cluster, [0]), broken].map((source) =>
      job.coordinator({ source, untilEnd: true, clock }).run(NEVER),
    );
    for (const end of ends) {
      expect(await end).toMatchObject({
        stopped: [{ partition: 'numbers/1', stop: { code: 'SOURCE_RANGE_LOST' } }],
      });
    }
  });

  test('is refused beside a member that does not end by itself, which is named; nothing is journaled', async () => {
    const job = new JobFixture();
    const beside = (untilEnd: boolean, neighbour: GroupMember) =>
      job.coordinator({ source: new PartSource(filled(1), [0], [neighbour]), untilEnd });
    await expect(beside(true, lasting).run(NEVER)).rejects.toMatchObject({
      code: 'GROUP_IN_USE',
      message: expect.stringContaining('client (m-1)') as string,
    });
    expect(job.backing.subjects.size).toBe(0);
    expect(await beside(true, { ...lasting, isBounded: true }).run(NEVER)).toMatchObject({ reason: 'end' });
  });

  test('and a service are refused beside another job that reads the same topic in the group; of others they are warned', async () => {
    const job = new JobFixture();
    const other: GroupMember = { ...lasting, job: 'letters', isBounded: true };
    for (const untilEnd of [true, false]) {
      const run = job.coordinator({ source: new PartSource(filled(1), [0], [other]), untilEnd });
      await expect(run.run(NEVER)).rejects.toMatchObject({
        code: 'GROUP_IN_USE',
        message: expect.stringContaining('job "letters"') as string,
      });
    }
    const listening = new Listening();
    const source = new PartSource(filled(1), [0], [{ ...other, topics: ['letters'] }]);
    await job.coordinator({ source, untilEnd: true, log: listening.log }).run(NEVER);
    expect(listening.seen.join()).toContain('used by job "letters" as well');
  });

  test('reads the topics that exist and does not end well where one is missing', async () => {
    const job = new JobFixture();
    const source = filled(1);
    const described = source.describe.bind(source);
    source.describe = async (): Promise<SourceFacts> => ({ ...(await described()), missing: ['letters'] });
    const { stopped } = await job.coordinator({ source, untilEnd: true }).run(NEVER);
    expect(stopped).toMatchObject([{ partition: 'letters', stop: { code: 'SOURCE_TOPIC_MISSING' } }]);
    expectEachRecordOnce(job, 1, 20);
  });
});
