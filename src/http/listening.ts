/** Listens on the port of the job, or on the next one that is free. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TidemarkError } from '../../journal/errors.ts';
import type { HttpConfig } from '../config/jobConfig.ts';

const PORT_DEFAULT = 8787;
/** How many ports are tried, from the default one on. */
const PORTS_TRIED = 100;

/**
 * Resolves with the port. Null: the job names none, and the default one and those after it are taken. Rejects
 * with HTTP_PORT_TAKEN if the job's own is, with HTTP_UNAVAILABLE if the system refuses it.
 */
export async function listen(server: Server, { host, port }: HttpConfig): Promise<number | null> {
  const ports =
    port === null ? Array.from({ length: PORTS_TRIED }, (_, index) => PORT_DEFAULT + index) : [port];
  for (const candidate of ports) {
    const failure = await tryListening(server, host, candidate);
    if (failure === null) return (server.address() as AddressInfo).port;
    if (failure.code !== 'EADDRINUSE') throw refused(host, candidate, failure);
    if (port !== null) throw taken(host, candidate, failure);
  }
  return null;
}

/** Whether the job got another port than the default one. */
export function hasMoved({ port }: HttpConfig, found: number): boolean {
  return port === null && found !== PORT_DEFAULT;
}

export const PORTS_TEXT = `${PORT_DEFAULT} to ${PORT_DEFAULT + PORTS_TRIED - 1}`;

async function tryListening(
  server: Server,
  host: string,
  port: number,
): Promise<NodeJS.ErrnoException | null> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.ErrnoException | null>();
  const onError = (error: NodeJS.ErrnoException): void => resolve(error);
  const onListening = (): void => resolve(null);
  server.once('error', onError).once('listening', onListening);
  // Not shared with other processes of a cluster: what answers here is this coordinator.
  server.listen({ host, port, exclusive: true });
  try {
    return await promise;
  } finally {
    server.off('error', onError).off('listening', onListening);
  }
}

function taken(host: string, port: number, cause: Error): TidemarkError {
  return new TidemarkError(
    'HTTP_PORT_TAKEN',
    `Port ${port} of ${host} (http.port) is taken by another program, or by another coordinator.`,
    { fields: { host, port }, cause },
  );
}

function refused(host: string, port: number, cause: NodeJS.ErrnoException): TidemarkError {
  return new TidemarkError(
    'HTTP_UNAVAILABLE',
    `Cannot listen on port ${port} of ${host} (http): ${cause.message}.`,
    { fields: { host, port }, cause },
  );
}
