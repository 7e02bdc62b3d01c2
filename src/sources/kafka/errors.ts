/** The meaning of Kafka's errors for Tidemark. */
import { tlsReason } from '../../../kernels/checks/tls.ts';
import { type ErrorDetails, TidemarkError } from '../../../journal/errors.ts';
import { SourceFailure } from '../failure.ts';
import { mayBeSecurity, refusalOf, type Refusal } from './client/errors.ts';

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
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof TidemarkError) return at;
  const message = refusedMessage(refusalOf(error), tlsReason(reasonOf(error)), brokers.join(', '));
  return new SourceFailure('refused', message, { fields: { brokers } });
}

function refusedMessage(refusal: Refusal | null, reason: string, where: string): string {
  switch (refusal) {
    case 'tls':
      return (
        `Kafka at ${where}: TLS failed (${reason}). Correct source.kafka.ssl (ca, cert, key), or the ` +
        'certificate of the broker.'
      );
    case 'speaksTls':
      return `Kafka at ${where} speaks TLS, and the job file does not: set source.kafka.ssl.`;
    case 'mechanism':
      return (
        `Kafka at ${where} does not take this way to authenticate (${reason}). Correct ` +
        'source.kafka.sasl.mechanism, or turn it on at the broker.'
      );
    case 'noSasl':
      return (
        `Kafka at ${where} has no SASL at this listener (${reason}). Leave out source.kafka.sasl, or name ` +
        'a listener that has it in source.kafka.brokers.'
      );
    case 'secret':
      return (
        `Kafka at ${where} refuses this client: ${reason}. Correct source.kafka.sasl (username and ` +
        'password, or the client that tokens are asked for).'
      );
    default:
      return (
        `Kafka at ${where} refuses this client: ${reason}. Grant it the access rights, or correct ` +
        'source.kafka.sasl and source.kafka.ssl.'
      );
  }
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
