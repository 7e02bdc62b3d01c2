import { appendFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { OPEN_FILE_BYTES, MemoryBudget } from '../../src/system/memoryBudget.ts';
import { createFileStore } from '../../src/stores/local/store.ts';
import type { OpenFile, Store } from '../../src/stores/port.ts';
import { expectEachRecordOnce, JobFixture, storeWith } from './jobFixture.ts';
import { MemorySource } from './memorySource.ts';
import { finishWith } from '../conformance/store/scene.ts';
import { byTime } from '../unit/actors/buckets/ownBuckets.ts';

const BUCKETS = 3;
const RECORDS = 30;

const assigner = byTime((slot) => `bucket-${slot}`);

/** A store that continues with files; the last recovery waits until it is let through. */
function resumingStore(letThrough: Promise<unknown>): { store: Store; lastBegun: Promise<undefined> } {
  const inner = createFileStore();
  const lastBegun = Promise.withResolvers<undefined>();
  let recovered = 0;
  const store = storeWith(
    {
      takeover: {
        type: 'resume',
        resume: async (target, durable, toUri): Promise<OpenFile> => {
          recovered += 1;
          if (recovered === BUCKETS) {
            lastBegun.resolve(undefined);
            await letThrough;
          }
          await finishWith(inner, target, durable, toUri);
          await inner.discard([target.temporaryUri], null);
          const path = toUri.slice('file://'.length);
          return {
            write: async (bytes) => {
              appendFileSync(path, bytes);
              return Promise.resolve();
            },
            persist: async () => Promise.resolve(null),
            closeForCommit: async () => Promise.resolve(null),
            abandon: async () => Promise.resolve(),
          };
        },
      },
    },
    inner,
  );
  return { store, lastBegun: lastBegun.promise };
}

test('memory that runs short while earlier files are taken up halts no partition', async () => {
  const job = new JobFixture();
  const source = new MemorySource(1);
  const records = Array.from({ length: RECORDS }, (_, n) => ({ value: `0:${n}`, timestampMs: n % BUCKETS }));
  source.append(0, ...records);
  const first = new AbortController();
  const left = job.coordinator({ source, assigner }).run(first.signal);
  while (source.commits.at(-1)?.nextOffset !== BigInt(RECORDS)) await turn();
  first.abort();
  await left;

  const letThrough = Promise.withResolvers<undefined>();
  const { store, lastBegun } = resumingStore(letThrough.promise);
  // One file has room; what is rolled must be published soon.
  const memory = new MemoryBudget({
    ceilingBytes: Infinity,
    writeBytes: OPEN_FILE_BYTES * 1.5,
    residentBytes: () => 0,
  });
  const coordinator = job.coordinator({ source, assigner, store, memory, untilEnd: true });
  const run = coordinator.run(new AbortController().signal);
  await lastBegun;
  while (coordinator.stats.openFiles < BUCKETS - 1) await turn();
  for (let look = 0; look < 100; look += 1) {
    memory.look();
    await turn();
  }
  letThrough.resolve(undefined);
  const looking = setInterval(() => memory.look(), 5);
  const report = await run.finally(() => clearInterval(looking));
  expect(report.stopped).toEqual([]);
  expectEachRecordOnce(job, 1, RECORDS);
});
