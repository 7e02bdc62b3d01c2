/** Meaning of JetStream publish errors for an append. */
import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import type { TidemarkError } from '../errors.ts';
import { JournalFailure } from '../failure.ts';
import type { Revision } from '../port.ts';

/**
 * - `wrongLast`: not written; the subject's last revision, or null if the server did not report it.
 * - `noStream`: not written by this server: nobody serves the subject, or another stream does. Needs a check.
 * - the others as in AppendOutcome.
 */
export type PublishFailure =
  | { readonly type: 'wrongLast'; readonly lastRevision: Revision | null }
  | { readonly type: 'noStream'; readonly cause: unknown }
  | { readonly type: 'refused'; readonly retryable: boolean; readonly cause: unknown }
  | { readonly type: 'unknown'; readonly cause: unknown };

const STREAM_NOT_MATCH = 10_060;
const MESSAGE_TOO_LARGE = 10_054;
/** The stream, the account or the disk is full, or the store failed: not written, may be retried. */
const FULL_CODES = [10_077, 10_023, 10_028, 10_047, 10_122];

export function classifyPublishError(error: unknown): PublishFailure {
  if (error instanceof JetStreamApiError) return classifyApiError(error);
  if (isNoResponders(error)) return { type: 'noStream', cause: error };
  if (error instanceof errors.InvalidArgumentError && /max_payload/.test(error.message)) {
    return { type: 'refused', retryable: false, cause: tooLarge(error) };
  }
  if (error instanceof errors.RequestError && error.cause instanceof errors.PermissionViolationError) {
    const cause = new JournalFailure(
      'unavailable',
      `The NATS account may not publish to ${error.cause.subject}: grant it.`,
      { cause: error },
    );
    return { type: 'refused', retryable: true, cause };
  }
  return { type: 'unknown', cause: error };
}

/**
 * Nobody took the request: no such stream, no leader, or no JetStream. The client wraps it as "jetstream is
 * not enabled".
 */
export function isNoResponders(error: unknown): boolean {
  const inner = error instanceof Error && error.cause instanceof errors.RequestError ? error.cause : error;
  return inner instanceof errors.RequestError && inner.isNoResponders();
}

function classifyApiError(error: JetStreamApiError): PublishFailure {
  if (error.code === JetStreamApiCodes.StreamWrongLastSequence) {
    const last = /wrong last sequence: (\d+)/.exec(error.message)?.[1];
    return { type: 'wrongLast', lastRevision: last === undefined ? null : Number(last) };
  }
  if (error.code === STREAM_NOT_MATCH) return { type: 'noStream', cause: error };
  if (error.code === MESSAGE_TOO_LARGE) return { type: 'refused', retryable: false, cause: tooLarge(error) };
  if (FULL_CODES.includes(error.code)) {
    const message =
      `The NATS journal is full or cannot store (${error.message}): raise the stream's ` +
      'limits or make room.';
    const cause = new JournalFailure('full', message, { cause: error });
    return { type: 'refused', retryable: true, cause };
  }
  return { type: 'unknown', cause: error };
}

function tooLarge(cause: Error): TidemarkError {
  return new JournalFailure(
    'entryTooLarge',
    `The NATS journal refuses the entry's size (${cause.message}): raise max_payload or max_msg_size.`,
    { cause },
  );
}
