/** A partition halted by what cannot be journaled: it still reads what operators ask, and says no aloud. */
import { describe, expect, test } from 'vitest';
import { defaultRollingPolicy } from '../../actors/rolling/policy.ts';
import type { OperatorRequest } from '../../journal/events.ts';
import { jobName, type Subject } from '../../journal/ids.ts';
import { createMemoryJournal, type AppendFault } from '../../journal/memory/journal.ts';
import type { StoredEntry } from '../../journal/port.ts';
import { partitionSubject } from '../../journal/subjects.ts';
import { fileOperatorRequest } from '../../src/partition/requests.ts';
import { noFailpoints } from '../../src/system/failpoints.ts';
import { expectEachRecordOnce, hastyClock, JobFixture, NO_LIMITS, numbered } from './jobFixture.ts';
import { MemorySource } from './memorySource.ts';
import { Pause } from './pause.ts';
import { serve, until, type Service } from './service.ts';

const RECORDS = 30;
const JOB = jobName('numbers');
const at = { topic: 'numbers', partition: 0 };
const subject = partitionSubject(JOB, at);
const rolling = defaultRollingPolicy({ ...NO_LIMITS, maxBytes: 1 });

const HALTED = 'the partition is halted';
const REFUSED = 'operator request refused';
const AGAIN = 'claiming again because an operator asked for it';

function ask(job: JobFixture, request: OperatorRequest): Promise<number> {
  const journal = createMemoryJournal({ backing: job.backing });
  return fileOperatorRequest({ journal, failpoints: noFailpoints }, JOB, at, request);
}

/** A job whose journal has lost its end, behind what its witness saw; and that end, to put it back. */
async function rolledBack(): Promise<{ job: JobFixture; source: MemorySource; lost: StoredEntry[] }> {
  const job = new JobFixture();
  const source = new MemorySource(1);
  source.append(0, ...numbered(0, RECORDS));
  await job
    .coordinator({ source, untilEnd: true, rolling, clock: hastyClock(200) })
    .run(new AbortController().signal);
  const entries = job.backing.subjects.get(subject) ?? [];
  return { job, source, lost: entries.splice(6) };
}

/**
 * The journal is what it was before it lost its end; claims that were made meanwhile are gone with the wrong
 * one.
 */
function restore(job: JobFixture, lost: readonly StoredEntry[]): void {
  job.backing.subjects.get(subject)?.splice(6, Infinity, ...lost);
}

const saidOf = ({ listening }: Service, message: string): number =>
  listening.seen.filter((line) => line.includes(message)).length;

const textsOf = (job: JobFixture): string[] =>
  (job.backing.subjects.get(subject) ?? []).map(({ bytes }) => new TextDecoder().decode(bytes));

describe('a partition whose journal is in doubt', () => {
  test('reads requests: refuses what it cannot do; resumed, it claims and judges again', async () => {
    const { job, source, lost } = await rolledBack();
    const service = serve(job, { source, rolling });
    await service.listening.heard(HALTED);
    await ask(job, { type: 'roll' });
    await ask(job, { type: 'acceptLoss', fromOffset: 0n, toOffset: 5n });
    await until(() => saidOf(service, REFUSED) === 2);
    // Its cause is still there: it is halted anew, and that is the answer.
    await ask(job, { type: 'resume', from: null, acceptLoss: false });
    await until(() => saidOf(service, REFUSED) === 3);
    expect(saidOf(service, HALTED)).toBe(2);

    restore(job, lost);
    const requestId = await ask(job, { type: 'resume', from: null, acceptLoss: false });
    source.append(0, ...numbered(0, 10, RECORDS));
    await until(() => [...job.committed().values()].join('').includes(`0:${RECORDS + 9}\n`));
    expect((await service.stop()).stopped).toEqual([]);
    expectEachRecordOnce(job, 1, RECORDS + 10);
    expect(saidOf(service, AGAIN)).toBe(2);
    // The new claim journals the answer, once.
    const answers = textsOf(job).filter((text) => text.includes(`"requestId":${requestId}`));
    expect(answers.length).toBe(1);
    expect(answers[0]).toContain('"resumeRequested"');
  });

  test('a request that was answered before is not read again', async () => {
    const { job, source } = await rolledBack();
    await ask(job, { type: 'resume', from: null, acceptLoss: false });
    const service = serve(job, { source, rolling });
    await until(() => saidOf(service, REFUSED) === 1);
    await until(() => saidOf(service, HALTED) === 2);
    await ask(job, { type: 'roll' });
    await until(() => saidOf(service, REFUSED) === 2);
    expect(saidOf(service, AGAIN)).toBe(1);
    await service.stop();
  });

  test('nothing is appended to it by a request', async () => {
    const { job, source } = await rolledBack();
    const service = serve(job, { source, rolling });
    await service.listening.heard(HALTED);
    const before = textsOf(job);
    await ask(job, { type: 'roll' });
    await until(() => saidOf(service, REFUSED) === 1);
    expect(textsOf(job)).toEqual(before);
    await service.stop();
  });
});

describe('a partition halted by a bug', () => {
  test('continues when it is resumed', async () => {
    const job = new JobFixture();
    const source = new MemorySource(1);
    source.append(0, ...numbered(0, RECORDS));
    let isHit = false;
    const onAppend = (_subject: Subject, _expected: number | null, bytes: Uint8Array): AppendFault | null => {
      if (isHit || !new TextDecoder().decode(bytes).includes('"checkpointCompleted"')) return null;
      isHit = true;
      return { type: 'refused' };
    };
    const journal = createMemoryJournal({ backing: job.backing, onAppend });
    const service = serve(job, { source, rolling, journal });
    await service.listening.heard(HALTED);
    await ask(job, { type: 'resume', from: null, acceptLoss: false });
    await until(() => [...job.committed().values()].join('').includes(`0:${RECORDS - 1}\n`));
    expect((await service.stop()).stopped).toEqual([]);
    expectEachRecordOnce(job, 1, RECORDS);
  });

  test('publishes nothing of what its journal has lost since', async () => {
    const job = new JobFixture();
    const source = new MemorySource(1);
    source.append(0, ...numbered(0, RECORDS));
    const pause = new Pause('store.writeWitness', 'after', 1);
    const options = { source, untilEnd: true, rolling, clock: hastyClock(200), failpoints: pause };
    const run = job.coordinator(options).run(new AbortController().signal);
    await pause.paused.promise;
    // It keeps its claim alone.
    const lost = job.backing.subjects.get(subject)?.splice(1) ?? [];
    expect(lost.length).toBeGreaterThan(0);
    pause.woken.resolve(undefined);
    expect((await run).stopped).toMatchObject([
      { partition: 'numbers/0', stop: { code: 'JOURNAL_ROLLED_BACK' } },
    ]);
    expect(job.committed().size).toBe(0);
    job.backing.subjects.get(subject)?.push(...lost);
    await job.coordinator({ source, untilEnd: true, rolling }).run(new AbortController().signal);
    expectEachRecordOnce(job, 1, RECORDS);
  });
});
