/** What this client shows a NATS server: its credentials, and its files of TLS. */
import { readFileSync } from 'node:fs';
import {
  credsAuthenticator,
  nkeyAuthenticator,
  nkeys,
  type NodeConnectionOptions,
} from '@nats-io/transport-node';
import { pemFilesOf } from '../../kernels/checks/tls.ts';
import { TidemarkError } from '../errors.ts';

export interface NatsTlsOptions {
  /** Paths of PEM files. The client reads them again at every reconnect. */
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  /** The server expects TLS before its greeting. */
  readonly handshakeFirst?: boolean;
}

export interface NatsAccess {
  /** Path of a .creds file; read again at every reconnect. */
  readonly credentials?: string;
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  /** Seed of a user's nkey. */
  readonly nkey?: string;
  readonly tls?: NatsTlsOptions;
}

interface NamedUser {
  readonly user: string;
  readonly pass: string;
}

/** @param addresses may hold a user. Throws CONFIG_INVALID for what no server can accept. */
export function authentication(
  options: NatsAccess & { readonly onWarning: (message: string) => void },
  addresses: readonly NamedUser[],
): NodeConnectionOptions {
  if (options.credentials !== undefined)
    return { authenticator: credsAuthenticator(credentialsReader(options.credentials, options.onWarning)) };
  if (options.token !== undefined) return { token: options.token };
  if (options.nkey !== undefined) return { authenticator: nkeyAuthenticator(seedOf(options.nkey)) };
  if (options.user !== undefined)
    return { user: options.user, ...(options.pass === undefined ? {} : { pass: options.pass }) };
  const named = addresses.find(({ user }) => user !== '');
  if (named === undefined) return {};
  return named.pass === '' ? { token: named.user } : { user: named.user, pass: named.pass };
}

function seedOf(nkey: string): Uint8Array {
  const seed = new TextEncoder().encode(nkey.trim());
  try {
    if (nkeys.fromSeed(seed).getPublicKey().startsWith('U')) return seed;
  } catch {
    // Its message may hold the seed.
  }
  throw new TidemarkError(
    'CONFIG_INVALID',
    'journal.nats.nkey is no seed of a user: it begins with SU and is the one that `nk -gen user` prints.',
  );
}

const CREDENTIALS = /-{3,}BEGIN NATS USER JWT-{3,}[\s\S]+-{3,}BEGIN USER NKEY SEED-{3,}\s*SU[A-Z2-7]+/;

function readCredentials(path: string): Uint8Array {
  const bytes = readFileSync(path);
  if (!CREDENTIALS.test(bytes.toString('latin1'))) throw new Error('it holds no JWT and seed of a user');
  return bytes;
}

/**
 * Picks up rotated credentials. A temporary failure to read the file must not end the connection for good.
 */
function credentialsReader(path: string, onWarning: (message: string) => void): () => Uint8Array {
  let last: Uint8Array;
  try {
    last = readCredentials(path);
  } catch (cause) {
    throw new TidemarkError(
      'CONFIG_INVALID',
      `The file ${path} of journal.nats.credentials cannot be used: ${reasonOf(cause)}.`,
      { fields: { path }, cause },
    );
  }
  return () => {
    try {
      last = readCredentials(path);
    } catch (error) {
      onWarning(
        'The file of journal.nats.credentials cannot be used; continuing with the last ones: ' +
          reasonOf(error),
      );
    }
    return last;
  };
}

/** The client would detect this only at each attempt, and report it as if the server were away. */
export function checkTlsFiles({ caFile, certFile, keyFile }: NatsTlsOptions = {}): void {
  const paths = { ca: caFile ?? null, cert: certFile ?? null, key: keyFile ?? null };
  const ports = { read: (path: string) => readFileSync(path), wallMs: Date.now() };
  const verdict = pemFilesOf('journal.nats.tls', paths, ports);
  if (verdict.type === 'usable') return;
  const { message, path } = verdict;
  throw new TidemarkError('CONFIG_INVALID', message, { fields: { path } });
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
