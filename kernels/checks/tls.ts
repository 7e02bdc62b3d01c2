/** What is wrong with the PEM files of a TLS client, and which errors of TLS a retry cannot help. */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';

/** Contents of a client's PEM files; null where there is none. */
export interface PemFiles {
  readonly ca: Buffer | null;
  readonly cert: Buffer | null;
  readonly key: Buffer | null;
}

export interface PemProblem {
  readonly file: keyof PemFiles;
  /** Continues "the file". Shows nothing of a key. */
  readonly reason: string;
}

export type PemPaths = Readonly<Record<keyof PemFiles, string | null>>;

/** Of a key of the job file; `message` names it and the file. */
export type PemVerdict =
  | { readonly type: 'usable'; readonly files: PemFiles }
  | { readonly type: 'unusable'; readonly path: string | null; readonly message: string };

/**
 * The files below a key of the job file, read and looked at.
 *
 * @param read may throw: then the file is unusable.
 */
export function pemFilesOf(
  key: string,
  paths: PemPaths,
  { read, wallMs }: { readonly read: (path: string) => Buffer; readonly wallMs: number },
): PemVerdict {
  const found: Record<keyof PemFiles, Buffer | null> = { ca: null, cert: null, key: null };
  const unusable = (file: keyof PemFiles, reason: string): PemVerdict => {
    const path = paths[file];
    return { type: 'unusable', path, message: `The file ${path ?? ''} of ${key}.${file} ${reason}.` };
  };
  for (const file of ['ca', 'cert', 'key'] as const) {
    const path = paths[file];
    if (path === null) continue;
    try {
      found[file] = read(path);
    } catch (error) {
      return unusable(file, `cannot be read (${error instanceof Error ? error.message : String(error)})`);
    }
  }
  const problem = pemProblem(found, wallMs);
  return problem === null ? { type: 'usable', files: found } : unusable(problem.file, problem.reason);
}

/** Null where a connection can be made with them; whether the server accepts them is up to the server. */
export function pemProblem({ ca, cert, key }: PemFiles, wallMs: number): PemProblem | null {
  if (ca !== null && certificateIn(ca) === null) return { file: 'ca', reason: NO_CERTIFICATE };
  if (cert === null || key === null) return null;
  const own = certificateIn(cert);
  if (own === null) return { file: 'cert', reason: NO_CERTIFICATE };
  if (Date.parse(own.validTo) < wallMs)
    return { file: 'cert', reason: `holds a certificate that ended on ${dayOf(own.validTo)}` };
  if (Date.parse(own.validFrom) > wallMs)
    return { file: 'cert', reason: `holds a certificate that begins on ${dayOf(own.validFrom)} only` };
  const found = privateKeyIn(key);
  if (typeof found === 'string') return { file: 'key', reason: found };
  return own.checkPrivateKey(found)
    ? null
    : { file: 'key', reason: 'holds the key of another certificate than cert' };
}

const NO_CERTIFICATE = 'holds no certificate in PEM form';

/** The first one: the client's own, or any authority. */
function certificateIn(pem: Buffer): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}

function privateKeyIn(pem: Buffer): KeyObject | string {
  try {
    return createPrivateKey(pem);
  } catch {
    return /ENCRYPTED/.test(pem.toString('latin1'))
      ? 'holds a key that is encrypted; a key without a passphrase is needed'
      : 'holds no private key in PEM form';
  }
}

const dayOf = (date: string): string => new Date(date).toISOString().slice(0, 10);

/** Error codes of certificates, as Node and OpenSSL name them. */
const CERTIFICATE =
  /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_|ERR_TLS_CERT|ERR_OSSL_|CRL_)/;
/**
 * Error codes of a handshake that cannot succeed: no TLS on the other side, or an alert about the
 * certificate. A connection that ends in between is an outage.
 */
const HANDSHAKE = new RegExp(
  '^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNSUPPORTED_PROTOCOL|NO_PROTOCOLS_AVAILABLE' +
    '|.*_ALERT_(?!INTERNAL_ERROR|CLOSE_NOTIFY|USER_CANCEL).*|.*CERT.*)$',
);

/** Whether TLS failed because of a certificate, a version, or a peer without TLS. */
export function isTlsRefusal(code: unknown): boolean {
  return typeof code === 'string' && (CERTIFICATE.test(code) || HANDSHAKE.test(code));
}

/** The reason in OpenSSL's message, without the location in its source. */
export function tlsReason(message: string): string {
  return /SSL routines:[^:]*:([^:]+):/.exec(message)?.[1] ?? message.split('\n')[0] ?? '';
}
