/**
 * What the client's errors mean: its own have names, those of a broker have Kafka's names as their type, and
 * those of a connection are told by code or text.
 */

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

/** The broker refuses the user or the secret. */
const REFUSED_SECRET = 'KafkaJSSASLAuthenticationError';
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
  for (const { name, type, code } of causes(error)) {
    if (name === REFUSED_SECRET) return true;
    if (type !== undefined && AUTHENTICATION_TYPES.includes(type)) return true;
    if (typeof code === 'string' && CERTIFICATE_CODE.test(code)) return true;
  }
  return false;
}

const SECURITY_SIGNS = new RegExp(
  'closed connection|connection timeout|timed out|secure TLS connection|ECONNRESET|socket hang up|' +
    'announced: is this|speaks TLS',
  'i',
);

/**
 * Whether a connection was made, and then closed or never answered: as where one side has TLS or SASL alone.
 */
export function mayBeSecurity(error: unknown): boolean {
  return [...causes(error)].some(({ message = '' }) => SECURITY_SIGNS.test(message));
}
