/** A deep audit of a job with patterns for topics: one that matches nothing now hides no other topic. */
import { expect, test } from 'vitest';
import type { DeepSource } from '../../../src/audit/deep/deepAudit.ts';
import { describeTopics } from '../../../src/sources/kafka/describe.ts';
import { Identity } from '../../../src/sources/kafka/log/identity.ts';
import { KnownTopics } from '../../../src/sources/kafka/knownTopics.ts';
import { DEFAULT_TUNING } from '../../../src/sources/kafka/options.ts';
import { Waits } from '../../../src/sources/kafka/waits.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { silentLog } from '../../../src/telemetry/log.ts';
import { ScriptedBrokers } from '../sources/kafka/scriptedBrokers.ts';
import { FinishedJob } from './finishedJob.ts';

/** The same source, described as Kafka's is whose job file has these entries. */
function describedBy({ source, ...deep }: DeepSource, entries: readonly string[]): DeepSource {
  const { signal } = new AbortController();
  const scripted = new ScriptedBrokers(signal);
  const brokers = Object.assign(scripted, { everyTopic: () => Promise.resolve(['numbers']) });
  const known = new KnownTopics(entries);
  const context = {
    ...{ brokers, known, signal, clock: systemClock, log: silentLog, groupId: 'group-1', addresses: [] },
    ...{ tuning: DEFAULT_TUNING, waits: new Waits(silentLog, null) },
  };
  const identity = new Identity(context, () => known.list());
  return {
    ...deep,
    source: {
      kind: 'kafka',
      describe: async (options) => {
        const facts = await describeTopics(context, identity, options);
        return { ...facts, clusterId: 'cluster-1' };
      },
      open: (at, ...rest) => source.open(at, ...rest),
      ranges: (topic) => source.ranges(topic),
      verifyIdentity: (topic, id) => source.verifyIdentity(topic, id),
    },
  };
}

test.each([[['numbers']], [['numbers', '/clicks-.*/']]])(
  'finds a record that differs, with the topics %s',
  async (entries) => {
    const finished = await FinishedJob.made();
    const deep = describedBy(finished.deep(), entries);
    expect(await finished.audit({ deep })).toMatchObject({ verdict: 'clean' });
    finished.log(0)[3] = { value: 'another', timestampMs: 3 };
    const report = await finished.audit({ deep });
    expect(report.verdict).not.toBe('clean');
    expect(report.findings).not.toEqual([]);
  },
);
