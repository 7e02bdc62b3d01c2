/**
 * What the client's errors mean: its own have names, those of a broker have Kafka's names as their type, and
 * those of a connection are told by code or text.
 */

import { isTlsRefusal } from '../../../../kernels/checks/tls.ts';
import { isSourceFailure } from '../../failure.ts';

interface ErrorShape {
  readonly name?: string;
  readonly message?: string;
  /** Kafka's own error name, such as NOT_COORDINATOR_FOR_GROUP. */
  readonly type?: string;
  readonly code?: string | number;
  readonly cause?: unknown;
}

function* causes(error: unknown): Generator<ErrorShape> {
  for (let at = error, depth = 0; typeof at === 'object' && at !== null && depth < 8; depth += 1) {
    yield at;
    at = (at as ErrorShape).cause;
  }
}

/** Whether the error or one of its causes has one of Kafka's error names. */
export function hasKafkaType(error: unknown, ...types: string[]): boolean {
  for (const { type } of causes(error)) {
    if (type !== undefined && types.includes(type)) return true;
  }
  return false;
}

/** The broker did not answer a request in time. */
export function isRequestTimeout(error: unknown): error is Error {
  return error instanceof Error && error.name === 'KafkaJSRequestTimeoutError';
}

/** How a broker and this client refuse each other: a retry cannot help. */
export type Refusal = 'tls' | 'speaksTls' | 'secret' | 'mechanism' | 'noSasl' | 'rights' | 'token';

/** What the broker, or kafkajs, calls it. */
const REFUSED_SECRETS = ['KafkaJSSASLAuthenticationError', 'TokenRefused'];
const REFUSAL_TYPES: Readonly<Record<string, Refusal>> = {
  SASL_AUTHENTICATION_FAILED: 'secret',
  UNSUPPORTED_SASL_MECHANISM: 'mechanism',
  ILLEGAL_SASL_STATE: 'noSasl',
  TOPIC_AUTHORIZATION_FAILED: 'rights',
  GROUP_AUTHORIZATION_FAILED: 'rights',
  CLUSTER_AUTHORIZATION_FAILED: 'rights',
};
const NO_MECHANISM = /mechanism is not supported by the server/;
export const SPEAKS_TLS = 'the broker speaks TLS: set source.kafka.ssl';

/** Null for every other error. */
export function refusalOf(error: unknown): Refusal | null {
  for (const at of causes(error)) {
    const { name = '', message = '', type = '', code } = at;
    // By the token endpoint.
    if (isSourceFailure(at, 'refused')) return 'token';
    if (NO_MECHANISM.test(message)) return 'mechanism';
    if (REFUSED_SECRETS.includes(name)) return 'secret';
    if (Object.hasOwn(REFUSAL_TYPES, type)) return REFUSAL_TYPES[type] ?? null;
    if (isTlsRefusal(code)) return 'tls';
    if (message.includes(SPEAKS_TLS)) return 'speaksTls';
  }
  return null;
}

/** Whether the broker or the certificate refuses this client: a retry cannot help. */
export function isAuthenticationFailure(error: unknown): boolean {
  return refusalOf(error) !== null;
}

const SECURITY_SIGNS = new RegExp(
  'closed connection|connection timeout|timed out|secure TLS connection|ECONNRESET|socket hang up|' +
    'announced: is this',
  'i',
);

/**
 * Whether a connection was made, and then closed or never answered: as where one side has TLS or SASL alone.
 */
export function mayBeSecurity(error: unknown): boolean {
  return [...causes(error)].some(({ message = '' }) => SECURITY_SIGNS.test(message));
}
