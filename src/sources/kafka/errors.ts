/** The meaning of Kafka's errors for Tidemark. */
import { type ErrorDetails, TidemarkError } from '../../../journal/errors.ts';
import { SourceFailure } from '../failure.ts';
import { isSaslRefusal } from './kafkajs/errors.ts';

interface KafkaErrorShape {
  readonly name?: string;
  readonly message?: string;
  /** Kafka's own error name, such as NOT_COORDINATOR_FOR_GROUP. */
  readonly type?: string;
  readonly code?: string | number;
  readonly cause?: unknown;
}

/** Kafka's error codes in fetch, metadata and offset answers. */
export const KAFKA_CODE = {
  none: 0,
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  invalidTopic: 17,
  topicAuthorizationFailed: 29,
  fencedLeaderEpoch: 74,
  unknownLeaderEpoch: 75,
} as const;

function* causes(error: unknown): Generator<KafkaErrorShape> {
  for (let at = error, depth = 0; typeof at === 'object' && at !== null && depth < 8; depth += 1) {
    yield at;
    at = (at as KafkaErrorShape).cause;
  }
}

/** Whether the error or one of its causes has one of Kafka's error names. */
export function hasKafkaType(error: unknown, ...types: string[]): boolean {
  for (const { type } of causes(error)) {
    if (type !== undefined && types.includes(type)) return true;
  }
  return false;
}

const AUTHENTICATION_TYPES = [
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  // The listener has no SASL.
  'ILLEGAL_SASL_STATE',
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
];
const CERTIFICATE_CODE = /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;

/** Whether the broker or the certificate refuses this client: a retry cannot help. */
export function isAuthenticationFailure(error: unknown): boolean {
  for (const cause of causes(error)) {
    const { type, code } = cause;
    if (isSaslRefusal(cause)) return true;
    if (type !== undefined && AUTHENTICATION_TYPES.includes(type)) return true;
    if (typeof code === 'string' && CERTIFICATE_CODE.test(code)) return true;
  }
  return false;
}

/** The error's message. The client puts addresses and the broker's reason in it, never what was sent. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

const SECURITY_SIGNS = new RegExp(
  'closed connection|connection timeout|timed out|secure TLS connection|ECONNRESET|socket hang up|' +
    'announced: is this|speaks TLS',
  'i',
);

/**
 * Possible causes of a connection that is made, and then closed or never answered. Empty if there is no sign.
 */
export function securityHint(error: unknown): string {
  const isSuspect = [...causes(error)].some(({ message = '' }) => SECURITY_SIGNS.test(message));
  return isSuspect
    ? ' If they do run, check that source.kafka.ssl and source.kafka.sasl are what this listener expects ' +
        '(TLS or not, SASL or not).'
    : '';
}

export function authenticationError(error: unknown, brokers: readonly string[]): TidemarkError {
  if (error instanceof TidemarkError) return error;
  return new SourceFailure(
    'refused',
    `Kafka at ${brokers.join(', ')} refuses this client: ${reasonOf(error)}. Correct the sasl or ssl ` +
      'settings or the access rights.',
    { fields: { brokers } },
  );
}

export function unavailableError(error: unknown, brokers: readonly string[], doing: string): TidemarkError {
  return new SourceFailure(
    'unavailable',
    `Kafka at ${brokers.join(', ')} did not answer (${doing}): ${reasonOf(error)}. Check that the ` +
      `brokers run and are reachable.${securityHint(error)}`,
    { fields: { brokers }, cause: error },
  );
}

/** @param gone says what does not exist any more. */
export function deletedError(gone: string, details: ErrorDetails): TidemarkError {
  const message = `${gone}: it was deleted. Restore it, or drop it from the job.`;
  return new SourceFailure('deleted', message, details);
}

/** The error that ends waits when the source or a feed is closed. */
export function abortError(what: string): DOMException {
  return new DOMException(`${what} was closed.`, 'AbortError');
}
