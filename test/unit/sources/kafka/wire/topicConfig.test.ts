import { describe, expect, test } from 'vitest';
import type { Brokers } from '../../../../../src/sources/kafka/brokers.ts';
import { isCompactedLog } from '../../../../../src/sources/kafka/log/compacted.ts';
import {
  decodeTopicConfigResponse,
  encodeTopicConfigRequest,
} from '../../../../../src/sources/kafka/wire/topicConfig.ts';
import { WireWriter } from '../../../../../src/sources/kafka/wire/wireTypes.ts';

const KEY = 'cleanup.policy';

function answer(errorCode: number, entries: readonly (readonly [string, string])[]): Buffer {
  const nullText = -1;
  const writer = new WireWriter().int32(0).int32(1).int16(errorCode).int16(nullText).int8(2).string('t');
  writer.int32(entries.length);
  for (const [name, value] of entries) {
    writer.string(name).string(value).int8(0).int8(5).int8(0);
    writer.int32(1).string('log.cleanup.policy').string(value).int8(5);
  }
  return writer.toBuffer();
}

test('asks for one key of one topic', () => {
  const bytes = encodeTopicConfigRequest('t', KEY);
  expect(bytes).toEqual(
    Buffer.concat([
      ...[Buffer.from([0, 0, 0, 1, 2, 0, 1]), Buffer.from('t')],
      ...[Buffer.from([0, 0, 0, 1, 0, 14]), Buffer.from(KEY), Buffer.from([0])],
    ]),
  );
});

describe('a log is compacted', () => {
  test.each([
    ['delete', false],
    ['compact', true],
    ['compact,delete', true],
    ['delete, compact', true],
  ])('with the policy %s: %s', async (policy, expected) => {
    expect(await asked(answer(0, [[KEY, policy]]))).toBe(expected);
  });

  test.each([
    ['it may not be asked', answer(29, [])],
    ['it is not told', answer(0, [])],
  ])('is not known where %s', async (_, response) => {
    expect(await asked(response)).toBeNull();
  });

  test('is asked again after an error', async () => {
    await expect(asked(answer(3, []))).rejects.toThrow('error 3 for the configuration of t');
  });

  function asked(response: Buffer): Promise<boolean | null> {
    const brokers = { ask: async () => decodeTopicConfigResponse(response, KEY) };
    return isCompactedLog(brokers as unknown as Pick<Brokers, 'ask'>, 't');
  }
});
