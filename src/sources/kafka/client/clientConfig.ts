/** kafkajs's configuration from ours. Its log goes to ours, without requests, responses or credentials. */
import { type KafkaConfig, logLevel } from 'kafkajs';
import { frameSocketFactory } from './frameSocket.ts';
import type { KafkaSourceOptions, KafkaTuning, SourceLog } from '../options.ts';

export function kafkaConfig(options: KafkaSourceOptions, tuning: KafkaTuning): KafkaConfig {
  return {
    brokers: [...options.brokers],
    clientId: options.clientId,
    // The factory makes the connections; this is for kafkajs's log.
    ssl: options.ssl !== undefined,
    // kafkajs keeps its authenticator on this object.
    ...(options.sasl === undefined ? {} : { sasl: { ...options.sasl } }),
    socketFactory: frameSocketFactory(options.ssl),
    connectionTimeout: tuning.connectionTimeoutMs,
    authenticationTimeout: tuning.connectionTimeoutMs,
    requestTimeout: tuning.requestTimeoutMs,
    enforceRequestTimeout: true,
    retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 2_000 },
    logLevel: logLevel.INFO,
    logCreator: () => logInto(options.log),
  };
}

/** Fields of kafkajs's log entries that are useful and cannot hold a secret. */
const KEPT = [
  'broker',
  'groupId',
  'memberId',
  'generationId',
  'retryCount',
  'retryTime',
  'topic',
  'partition',
] as const;

/**
 * kafkajs reports each retried attempt, at every level. The source logs what matters; this is for debugging.
 */
function logInto(
  log: SourceLog,
): (entry: { namespace: string; log: { message: string } & Record<string, unknown> }) => void {
  return ({ namespace, log: { message, ...fields } }) => {
    const kept = Object.fromEntries(
      KEPT.filter((name) => fields[name] !== undefined).map((name) => [name, fields[name]]),
    );
    log.debug({ ...kept, client: namespace }, `kafkajs: ${message}`);
  };
}
