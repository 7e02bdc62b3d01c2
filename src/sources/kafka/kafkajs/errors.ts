/** kafkajs's own errors, which only have names. What a broker answers has Kafka's names (errors.ts). */

/** The broker did not answer a request in time. */
export function isRequestTimeout(error: unknown): error is Error {
  return error instanceof Error && error.name === 'KafkaJSRequestTimeoutError';
}

/** The broker refuses the user or the secret. */
export function isSaslRefusal(error: { readonly name?: string }): boolean {
  return error.name === 'KafkaJSSASLAuthenticationError';
}
