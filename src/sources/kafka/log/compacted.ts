/** Whether a topic's log is compacted: only then can records in its midst be gone with nothing wrong. */
import type { Brokers } from '../brokers.ts';
import { KAFKA_CODE } from '../errors.ts';
import { topicConfigRequest } from '../wire/topicConfig.ts';

const CLEANUP_POLICY = 'cleanup.policy';

/**
 * By its configuration of now; null if this client may not read that. Rejects if the broker answers an error.
 */
export async function isCompactedLog(brokers: Pick<Brokers, 'ask'>, topic: string): Promise<boolean | null> {
  const { errorCode, value } = await brokers.ask((broker) =>
    broker.connectionPool.send(topicConfigRequest(topic, CLEANUP_POLICY)),
  );
  if (errorCode === KAFKA_CODE.topicAuthorizationFailed) return null;
  if (errorCode !== KAFKA_CODE.none)
    throw new Error(`the broker answers error ${errorCode} for the configuration of ${topic}`);
  return value === null ? null : value.split(',').some((policy) => policy.trim() === 'compact');
}
