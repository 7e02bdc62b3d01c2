import { getEventListeners } from 'node:events';
import { KafkaJSNonRetriableError, logLevel } from 'kafkajs';
import { expect, it } from 'vitest';
import { Brokers } from '../../../../../src/sources/kafka/brokers.ts';
import { DEFAULT_TUNING } from '../../../../../src/sources/kafka/options.ts';
import { Membership, type MembershipContext } from '../../../../../src/sources/kafka/group/membership.ts';
import { Waits } from '../../../../../src/sources/kafka/waits.ts';
import { hastyClock } from '../../../../scenarios/jobFixture.ts';

const BROKEN = 30;
/** Of the consumer that is being made, and of the pause before it. */
const LISTENERS_MAX = 4;

it('memberships that broke while Kafka was away leave nothing behind', async () => {
  const stop = new AbortController();
  let made = 0;
  const enough = Promise.withResolvers<undefined>();
  const log = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: () => undefined,
  };
  const context: MembershipContext = {
    config: {
      clientId: 'tests',
      logLevel: logLevel.NOTHING,
      brokers: () => {
        made += 1;
        if (made >= BROKEN) enough.resolve(undefined);
        throw new KafkaJSNonRetriableError('no broker is known');
      },
    },
    addresses: [],
    brokers: new Brokers({ brokers: [], logLevel: logLevel.NOTHING, logCreator: () => () => undefined }, []),
    clock: hastyClock(1_000),
    log,
    waits: new Waits(log, null),
    tuning: DEFAULT_TUNING,
    groupId: 'group',
    topics: () => ['records'],
    member: { job: 'job', version: '0.0.0', isBounded: false },
    instanceId: null,
    records: null,
    signal: stop.signal,
  };
  const listener = { assigned: () => undefined, failed: () => undefined, unfinished: null };
  const membership = new Membership(context, listener);
  const running = membership.run();
  await enough.promise;
  const listeners = getEventListeners(stop.signal, 'abort').length;
  stop.abort();
  await running;
  expect(listeners).toBeLessThanOrEqual(LISTENERS_MAX);
});
