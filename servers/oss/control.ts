import type { IncomingMessage } from 'node:http';
import type { Answer } from './answer.ts';
import type { Credential } from './auth/credentials.ts';
import type { Fault } from './faults.ts';
import { readSmallBody } from './request.ts';
import type { OssServer } from './server.ts';

/** No bucket is named `-`. */
const PREFIX = '/-/';

/**
 * How a test controls a server in another process, unsigned. PUT /-/faults arms a fault, DELETE /-/faults
 * disarms all, GET /-/faults returns how many hits are left, GET /-/calls lists the calls so far, POST
 * /-/expire?client expires a client's leases, PUT /-/credentials accepts one more key.
 */
export function isControl(message: IncomingMessage): boolean {
  return message.url?.startsWith(PREFIX) ?? false;
}

export async function control(server: OssServer, message: IncomingMessage): Promise<Answer> {
  const url = new URL(message.url ?? '', 'http://localhost');
  switch (`${message.method ?? ''} ${url.pathname.slice(PREFIX.length)}`) {
    case 'PUT faults':
      server.faults.arm(JSON.parse(await readSmallBody(message)) as Fault);
      return json({ left: server.faults.left });
    case 'DELETE faults':
      server.faults.clear();
      return json({ left: 0 });
    case 'GET faults':
      return json({ left: server.faults.left });
    case 'GET calls':
      return json(server.calls);
    case 'POST expire':
      server.expireLease(url.searchParams.get('client') ?? '');
      return json({});
    case 'PUT credentials':
      server.addCredential(JSON.parse(await readSmallBody(message)) as Credential);
      return json({});
    default:
      return { status: 404, body: 'no such control' };
  }
}

function json(value: unknown): Answer {
  return { status: 200, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(value) };
}
