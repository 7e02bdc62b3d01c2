import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { silentLog, type Log } from '../../src/telemetry/log.ts';
import { JobFixture, numbered } from './jobFixture.ts';
import { MemorySource } from './memorySource.ts';

test("a shortened temporary file stops its partition, with the file and its records' offsets", async () => {
  const job = new JobFixture();
  const source = new MemorySource(1);
  source.append(0, ...numbered(0, 20));
  const stopped = Promise.withResolvers<undefined>();
  const log: Log = {
    ...silentLog,
    error: (_fields, message) => {
      if (message === 'the partition stops') stopped.resolve(undefined);
    },
  };
  const end = new AbortController();
  const run = job.coordinator({ source, log }).run(end.signal);
  while (source.commits.at(-1)?.nextOffset !== 20n) await turn();
  const [temporary] = job.temporary();
  truncateSync(join(job.folder, temporary ?? ''), 30);
  source.append(0, ...numbered(0, 20, 20));
  await stopped.promise;
  end.abort();
  const { stopped: partitions } = await run;
  expect(partitions).toEqual([
    {
      partition: 'numbers/0',
      stop: expect.objectContaining({
        code: 'STORE_CONTENT_DIFFERS',
        fromOffset: 0n,
        toOffset: 40n,
        files: [join(job.folder, temporary ?? '')],
      }) as unknown,
    },
  ]);
  expect(job.committed().size).toBe(0);
});
