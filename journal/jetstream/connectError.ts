/**
 * Meaning of errors when connecting to NATS: a server that is away, or a job file with which no connection is
 * possible.
 */
import { errors } from '@nats-io/transport-node';
import { isTlsRefusal, tlsReason } from '../../kernels/checks/tls.ts';
import type { TidemarkError } from '../errors.ts';
import { JournalFailure } from '../failure.ts';

const TLS_KEYS = 'journal.nats.tls (ca, cert, key)';

/** JOURNAL_AUTHENTICATION if a retry cannot help, otherwise JOURNAL_UNAVAILABLE. Repeats nothing secret. */
export function connectProblem(cause: unknown, where: string): TidemarkError {
  const reason = reasonOf(cause);
  const fields = { servers: where };
  const refused = (message: string): TidemarkError =>
    new JournalFailure('refused', message, { fields, cause });
  for (const error of chainOf(cause)) {
    if (error instanceof errors.AuthorizationError && !/timeout/i.test(error.message)) {
      return refused(
        `NATS at ${where} refuses the journal's credentials: correct the user, token or credentials ` +
          'of journal.nats.',
      );
    }
    if (hasNoTls(error)) {
      return refused(
        `NATS at ${where} has no TLS, but the job file asks for it: write nats:// instead of tls:// ` +
          'and leave out journal.nats.tls, or turn it on at the server.',
      );
    }
    if ('code' in error && isTlsRefusal(error.code)) {
      return refused(
        `NATS at ${where}: TLS failed (${reasonOf(error)}): correct ${TLS_KEYS}, or the certificate ` +
          'of the server.',
      );
    }
  }
  return new JournalFailure('unavailable', `NATS at ${where} does not answer (${reason}).`, {
    fields,
    cause,
  });
}

function hasNoTls(error: Error): boolean {
  return /server does not support 'tls'|'?tls'? is not available/i.test(error.message);
}

function* chainOf(error: unknown): Generator<Error> {
  for (let at = error; at instanceof Error; at = at.cause) yield at;
}

function reasonOf(cause: unknown): string {
  return tlsReason(cause instanceof Error ? cause.message : String(cause));
}

export function certificateWanted(where: string, cause: unknown): TidemarkError {
  return new JournalFailure(
    'refused',
    `NATS at ${where} wants a certificate of its clients: name one in journal.nats.tls.cert, and its key.`,
    { fields: { servers: where }, cause },
  );
}

export function certificateRefused(where: string, refusal: Error): TidemarkError {
  return new JournalFailure(
    'refused',
    `NATS at ${where} refuses the certificate of its client: TLS failed (${reasonOf(refusal)}): correct ` +
      'journal.nats.tls.cert and key, or the authorities of the server.',
    { fields: { servers: where }, cause: refusal },
  );
}
