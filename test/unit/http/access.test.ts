import { describe, expect, test } from 'vitest';
import { Secret } from '../../../kernels/schema/secret.ts';
import { checkHost, checkToken, isLoopback } from '../../../src/http/access.ts';
import { HttpProblem } from '../../../src/http/problem.ts';

function codeOf(call: () => void): string {
  try {
    call();
    return 'none';
  } catch (error) {
    if (error instanceof HttpProblem) return error.code;
    throw error;
  }
}

describe('the Host header', () => {
  test.each(['127.0.0.1', '127.0.0.1:8787', 'localhost', 'LOCALHOST:1', '[::1]:8787', '127.9.9.9'])(
    'on loopback may be %s',
    (header) => {
      expect(codeOf(() => checkHost('127.0.0.1', header))).toBe('none');
    },
  );

  test.each([
    ...['evil.example', 'evil.example:8787', '127.0.0.1.evil.example', '127.evil.example', '', undefined],
    ...['localhost.', '10.0.0.1', 'localhost:8787:1', '[::2]'],
  ])('on loopback may not be %s', (header) => {
    expect(codeOf(() => checkHost('::1', header))).toBe('HOST_REFUSED');
  });

  test('is not looked at on other addresses', () => {
    expect(codeOf(() => checkHost('0.0.0.0', 'coordinator-0.tidemark'))).toBe('none');
    expect(['0.0.0.0', '::', '10.1.2.3', 'coordinator-0'].filter(isLoopback)).toEqual([]);
  });
});

describe('the token', () => {
  const token = new Secret('open sesame'.replace(' ', '-'));

  test('is taken as a bearer token, and only whole', () => {
    const codes = [
      'Bearer open-sesame',
      'bearer  open-sesame',
      'Bearer open-sesam',
      'Bearer open-sesame2',
    ].map((header) => codeOf(() => checkToken(token, header)));
    expect(codes).toEqual(['none', 'none', 'TOKEN_WRONG', 'TOKEN_WRONG']);
  });

  test.each([undefined, '', 'open-sesame', 'Basic open-sesame', 'Bearer'])('is missing in %s', (header) => {
    expect(codeOf(() => checkToken(token, header))).toBe('TOKEN_MISSING');
  });

  test('of a job without one lets nobody in', () => {
    expect(codeOf(() => checkToken(null, 'Bearer '))).toBe('TOKEN_NOT_SET');
    expect(codeOf(() => checkToken(null, 'Bearer null'))).toBe('TOKEN_NOT_SET');
  });
});
