/** Who may ask: the token, and the Host header on loopback. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIPv4 } from 'node:net';
import type { Secret } from '../../kernels/schema/secret.ts';
import { HttpProblem } from './problem.ts';

/** Whether only this machine can reach an address. */
export function isLoopback(host: string): boolean {
  const name = withoutBrackets(host.toLowerCase());
  return name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'));
}

/**
 * On loopback, the Host header must name loopback as well: a page of any site could otherwise have its own
 * name lead here and read the answers (DNS rebinding). Throws HOST_REFUSED.
 */
export function checkHost(boundTo: string, header: string | undefined): void {
  if (!isLoopback(boundTo)) return;
  const [, name = ''] = /^(\[[^\]]*\]|[^:]*)(?::\d{1,5})?$/.exec(header ?? '') ?? [];
  if (isLoopback(name)) return;
  throw new HttpProblem(
    'HOST_REFUSED',
    'This address is for this machine only: ask for it as 127.0.0.1, [::1] or localhost.',
  );
}

/** @param header `Authorization`. Throws TOKEN_NOT_SET, TOKEN_MISSING or TOKEN_WRONG. */
export function checkToken(token: Secret | null, header: string | undefined): void {
  if (token === null) {
    throw new HttpProblem(
      'TOKEN_NOT_SET',
      'This needs a token, and the job has none: set http.token in the job file.',
    );
  }
  const [, given] = /^Bearer +(\S+) *$/i.exec(header ?? '') ?? [];
  if (given === undefined) {
    throw new HttpProblem('TOKEN_MISSING', 'This needs the header "Authorization: Bearer TOKEN".', {
      'www-authenticate': 'Bearer realm="tidemark"',
    });
  }
  if (!isSame(given, token.reveal()))
    throw new HttpProblem('TOKEN_WRONG', 'The token is not the one that http.token names.');
}

/** Takes as long whatever differs: equal digests have equal lengths. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

function withoutBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}
