/** The meaning of Kafka's errors for Tidemark. */
import { type ErrorDetails, TidemarkError } from '../../../journal/errors.ts';
import { SourceFailure } from '../failure.ts';
import { mayBeSecurity } from './client/errors.ts';

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

/** The error's message. The client puts addresses and the broker's reason in it, never what was sent. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

/**
 * Possible causes of a connection that is made, and then closed or never answered. Empty if there is no sign.
 */
export function securityHint(error: unknown): string {
  return mayBeSecurity(error)
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

/** Another process has joined the group under the instance id of this one. */
export function instanceFencedError(instanceId: string, groupId: string): TidemarkError {
  return new SourceFailure(
    'instanceFenced',
    `Another process has joined group ${groupId} as instance ${instanceId} (source.kafka.instanceId), and ` +
      'this one ends: an id is for one process at a time.',
    { fields: { instanceId, groupId } },
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
