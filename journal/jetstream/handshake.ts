/**
 * Looks at a server's greeting and its handshake of TLS: the client does not see how a server refuses its
 * certificate, and waits until its time-out.
 */
import { readFileSync } from 'node:fs';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { isTlsRefusal } from '../../kernels/checks/tls.ts';
import type { NatsTlsOptions } from './access.ts';

const GREETING_MS = 2_000;
const GREETING_BYTES_MAX = 64 * 1024;
const REFUSAL_MS = 2_000;

/** Whether the server's greeting requires a client certificate. False if the server sends no greeting. */
export async function wantsCertificate(hostPort: string): Promise<boolean> {
  const { socket, greeting } = await greetedBy(hostPort);
  socket.destroy();
  return /^INFO \{.*"tls_verify":true/.test(greeting);
}

/** The error with which the server refuses the certificate; null if it does not, or is away. */
export async function certificateRefusal(hostPort: string, tls: NatsTlsOptions): Promise<Error | null> {
  const { socket, host, greeting } = await greetedBy(hostPort);
  if (!greeting.startsWith('INFO ')) {
    socket.destroy();
    return null;
  }
  const { promise, resolve } = Promise.withResolvers<Error | null>();
  const secure = connectTls({
    socket,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...contentOf('ca', tls.caFile),
    ...contentOf('cert', tls.certFile),
    ...contentOf('key', tls.keyFile),
  });
  const timer = setTimeout(() => resolve(null), REFUSAL_MS);
  // The refusal comes after the client's side of the handshake is complete. Any answer says that it is over.
  secure.on('error', resolve).on('close', () => resolve(null));
  secure.on('secureConnect', () => secure.write('PING\r\n')).on('data', () => resolve(null));
  try {
    const error = await promise;
    return error !== null && isTlsRefusal((error as { readonly code?: unknown }).code) ? error : null;
  } finally {
    clearTimeout(timer);
    secure.destroy();
    socket.destroy();
  }
}

function contentOf(key: 'ca' | 'cert' | 'key', path: string | undefined): Record<string, Buffer> {
  return path === undefined ? {} : { [key]: readFileSync(path) };
}

interface Greeted {
  /** Open, unless the greeting is empty. */
  readonly socket: Socket;
  readonly host: string;
  /** Empty if there was none. */
  readonly greeting: string;
}

async function greetedBy(hostPort: string): Promise<Greeted> {
  const at = hostPort.lastIndexOf(':');
  const host = hostPort.slice(0, at).replace(/^\[|\]$/g, '');
  const socket = connect({ host, port: Number(hostPort.slice(at + 1)) });
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = '';
  const take = (bytes: Buffer): void => {
    text += bytes.toString('latin1');
    if (text.includes('\r\n') || text.length > GREETING_BYTES_MAX) resolve(text);
  };
  socket.setTimeout(GREETING_MS, () => socket.destroy());
  socket.on('error', () => resolve('')).on('close', () => resolve(''));
  socket.on('data', take);
  const greeting = await promise;
  socket.off('data', take);
  return { socket, host, greeting };
}
