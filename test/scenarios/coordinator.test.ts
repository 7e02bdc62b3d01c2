import { describe, expect, test } from 'vitest';
import { JobFixture, numbered } from './jobFixture.ts';
import { MemorySource } from './memorySource.ts';

describe('a bounded run', () => {
  test('commits every record once, in order, and leaves no temporary name', async () => {
    const job = new JobFixture();
    const source = new MemorySource(2);
    source.append(0, ...numbered(0, 50));
    source.append(1, ...numbered(1, 30));
    const report = await job.coordinator({ source, untilEnd: true }).run(new AbortController().signal);
    expect(report.reason).toBe('end');
    expect(report.stopped).toEqual([]);
    const files = job.committed();
    expect([...files.keys()]).toEqual([
      'part-numbers-0-00000000000000000000',
      'part-numbers-1-00000000000000000000',
    ]);
    expect(files.get('part-numbers-0-00000000000000000000')).toBe(
      numbered(0, 50)
        .map(({ value }) => `${value}\n`)
        .join(''),
    );
    expect(job.temporary()).toEqual([]);
  });

  test('run twice adds nothing twice', async () => {
    const job = new JobFixture();
    const source = new MemorySource(1);
    source.append(0, ...numbered(0, 10));
    await job.coordinator({ source, untilEnd: true }).run(new AbortController().signal);
    const before = job.committed();
    const report = await job.coordinator({ source, untilEnd: true }).run(new AbortController().signal);
    expect(report.stats.committedFiles).toBe(0);
    expect(job.committed()).toEqual(before);
  });
});

describe('a service', () => {
  test('tells the group every checkpoint, also one that closes no file', async () => {
    const job = new JobFixture();
    const source = new MemorySource(1);
    const stop = new AbortController();
    const ended = job.coordinator({ source }).run(stop.signal);
    source.append(0, ...numbered(0, 10));
    while (source.commits.at(-1)?.nextOffset !== 10n) await new Promise((resolve) => setTimeout(resolve, 5));
    expect([...job.committed().keys()]).toEqual([]);
    source.append(0, ...numbered(0, 5, 10));
    while (source.commits.at(-1)?.nextOffset !== 15n) await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort();
    expect((await ended).reason).toBe('signal');
  });
});
