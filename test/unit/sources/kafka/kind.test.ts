/** What a Kafka source is made from: nothing that the job file says is lost on the way. */
import { expect, test } from 'vitest';
import { jobName } from '../../../../journal/ids.ts';
import { systemClock } from '../../../../src/system/clock.ts';
import type { KafkaSourceConfig } from '../../../../src/sources/kafka/config.ts';
import { kafkaSourceOptions } from '../../../../src/sources/kafka/sourceOptions.ts';
import { MemoryBudget } from '../../../../src/system/memoryBudget.ts';
import { silentLog } from '../../../../src/telemetry/log.ts';

const SOURCE: KafkaSourceConfig = {
  type: 'kafka',
  brokers: ['b:1'],
  topics: ['orders'],
  groupId: 'g',
  instanceId: 'i',
  startFrom: { type: 'earliest' },
  decode: 'records',
  tls: null,
  sasl: null,
};

test.each(['batches', 'records'] as const)(
  'decode: %s, with the memory of a running job as without',
  (decode) => {
    const config = { job: jobName('orders'), baseDir: '/jobs', stateDir: '/jobs/.tidemark' };
    const memory = {
      shares: { fetchBytes: 12_000_000, unpackBytes: 34_000_000, writeBytes: 56_000_000 },
      budget: new MemoryBudget({ ceilingBytes: 1, writeBytes: 1, residentBytes: () => 0 }),
      bufferArea: new Uint8Array(0),
      end: () => undefined,
    };
    for (const given of [undefined, memory]) {
      const ports = { log: silentLog, clock: systemClock, choices: { untilEnd: false }, memory: given };
      const { tuning } = kafkaSourceOptions({ ...SOURCE, decode }, { ...config, ...ports });
      expect(tuning?.decode).toBe(decode);
      if (given !== undefined) {
        expect(tuning).toMatchObject({ requestBytesMax: 3_000_000, prefetchBytesMax: 9_000_000 });
        expect(tuning?.unpackBytesMax).toBe(34_000_000);
      }
    }
  },
);
