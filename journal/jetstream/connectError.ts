/**
 * Meaning of errors when connecting to NATS: a server that is away, or a job file with which no connection is
 * possible.
 */
import { connect } from 'node:net';
import { errors } from '@nats-io/transport-node';
import type { TidemarkError } from '../errors.ts';
import { JournalFailure } from '../failure.ts';

/** Error codes of certificates, as Node and OpenSSL name them. */
const CERTIFICATE =
  /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_|ERR_TLS_CERT|CRL_)/;
/**
 * Error codes of a handshake that cannot succeed: no TLS on the other side, or an alert about the
 * certificate. A connection that ends in between is an outage.
 */
const HANDSHAKE = new RegExp(
  '^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNSUPPORTED_PROTOCOL|NO_PROTOCOLS_AVAILABLE' +
    '|.*_ALERT_(?!INTERNAL_ERROR|CLOSE_NOTIFY|USER_CANCEL).*|.*CERT.*)$',
);
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
    const code = 'code' in error ? String(error.code) : '';
    if (CERTIFICATE.test(code) || HANDSHAKE.test(code)) {
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

/** OpenSSL adds the location in its source, which is removed. */
function reasonOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return /SSL routines:[^:]*:([^:]+):/.exec(text)?.[1] ?? text.split('\n')[0] ?? '';
}

const GREETING_MS = 2_000;
const GREETING_BYTES_MAX = 64 * 1024;

/**
 * Whether the server's greeting requires a client certificate. Without one, the NATS client does not see the
 * refusal and waits until its time-out. False if the server sends no greeting.
 */
export async function wantsCertificate(hostPort: string): Promise<boolean> {
  const at = hostPort.lastIndexOf(':');
  const socket = connect({
    host: hostPort.slice(0, at).replace(/^\[|\]$/g, ''),
    port: Number(hostPort.slice(at + 1)),
  });
  socket.setTimeout(GREETING_MS, () => socket.destroy());
  let greeting = '';
  try {
    for await (const bytes of socket) {
      greeting += String(bytes);
      if (greeting.includes('\r\n') || greeting.length > GREETING_BYTES_MAX) break;
    }
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
  return /^INFO \{.*"tls_verify":true/.test(greeting);
}

export function certificateWanted(where: string, cause: unknown): TidemarkError {
  return new JournalFailure(
    'refused',
    `NATS at ${where} wants a certificate of its clients: name one in journal.nats.tls.cert, and its key.`,
    { fields: { servers: where }, cause },
  );
}
