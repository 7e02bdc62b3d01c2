/** The keys of source.kafka.sasl: each mechanism has its own. */
import { expect, test } from 'vitest';
import type { KafkaSourceConfig } from '../../../src/sources/kafka/config.ts';
import { loadText, MINIMAL, problemsOfText } from './jobFiles.ts';

const withSasl = (sasl: string): string => MINIMAL.replace('topics:', `sasl: { ${sasl} }, topics:`);
const problemsOf = (sasl: string): string[] =>
  problemsOfText(withSasl(sasl)).map((line) => line.replace(/^\S+ source\.kafka\.sasl/, ''));

const BEARER = 'mechanism: oauthbearer, tokenUrl: "https://a.example/t", clientId: c, clientSecret: hunter';

test('a client of tokens', () => {
  const { source } = loadText(withSasl(`${BEARER}, scope: a b, extensions: { logicalCluster: lkc-1 }`));
  const { sasl } = source as KafkaSourceConfig;
  expect(sasl).toMatchObject({
    mechanism: 'oauthbearer',
    endpoint: { url: 'https://a.example/t', clientId: 'c', scope: 'a b', caFile: null },
    extensions: { logicalCluster: 'lkc-1' },
  });
  expect(JSON.stringify(sasl)).not.toContain('hunter');
});

test.each([
  [
    'mechanism: plain',
    [
      '.username: is missing; expected a user name',
      '.password: is missing; expected a text or { env: VARIABLE }',
    ],
  ],
  [
    'mechanism: plain, username: u, password: { env: NOPE }',
    ['.password: the environment variable NOPE is not set; expected a text or { env: VARIABLE }'],
  ],
  [
    'mechanism: plain, username: u, password: p, scope: s',
    ['.scope: has no meaning with mechanism: plain; expected username, password'],
  ],
  [
    'mechanism: oauthbearer, username: u, tokenUrl: "https://a/t", clientId: c',
    [
      '.clientSecret: is missing; expected a text or { env: VARIABLE }',
      '.username: has no meaning with mechanism: oauthbearer; expected tokenUrl, clientId, ' +
        'clientSecret, scope, extensions, ca',
    ],
  ],
])('%s', (sasl, expected) => {
  expect(
    problemsOf(sasl)
      .map((line) => line.trim())
      .toSorted(),
  ).toEqual(expected.toSorted());
});

test.each([
  ['"ftp://a/t"', 'is no URL of https'],
  ['a', 'is no URL of https'],
  ['"http://a.example/t"', 'is http, which would show the secret to the network'],
  ['"https://u:hunter@a.example/t"', 'holds a user or password'],
])('tokenUrl: %s is none', (url, message) => {
  const [line = '', ...more] = problemsOf(BEARER.replace('"https://a.example/t"', url));
  expect(line).toContain(message);
  expect(line).not.toContain('hunter');
  expect(more).toEqual([]);
});

test('http is for this machine alone', () => {
  for (const host of ['localhost:8', '127.0.0.1', '[::1]:8'])
    expect(() => loadText(withSasl(BEARER.replace('https://a.example', `http://${host}`)))).not.toThrow();
});

test.each(['{ auth: x }', '{ a-b: x }', '{ a: "" }', '{ a: "x\\ty" }', '{ a: 1 }', 'x'])(
  'extensions: %s are refused',
  (extensions) => expect(problemsOf(`${BEARER}, extensions: ${extensions}`)).toHaveLength(1),
);
