import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isTlsRefusal, pemProblem, tlsReason } from '../../../../kernels/checks/tls.ts';
import { hasOpenssl, makeCertificate } from '../../../services/certificates.ts';

const NONE = { ca: null, cert: null, key: null };
const TEXT = Buffer.from('no certificate');
const NO_CERTIFICATE = 'holds no certificate in PEM form';

describe.skipIf(!hasOpenssl)('files of a TLS client', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'tidemark-pem-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const pairOf = (validUntil?: string) => {
    const { cert, key } = makeCertificate(folder, validUntil === undefined ? {} : { validUntil });
    return { cert: readFileSync(cert), key: readFileSync(key) };
  };

  test('that fit have no problem', () => {
    const pair = pairOf();
    expect(pemProblem(NONE, Date.now())).toBeNull();
    expect(pemProblem({ ...pair, ca: pair.cert }, Date.now())).toBeNull();
  });

  test('that do not are named, with the reason', () => {
    const [pair, other] = [pairOf(), pairOf()];
    const problemOf = (files: object) => pemProblem({ ...NONE, ...files }, Date.now());
    expect(problemOf({ ca: TEXT })).toMatchObject({ file: 'ca', reason: NO_CERTIFICATE });
    expect(problemOf({ ...pair, cert: TEXT })).toMatchObject({ file: 'cert' });
    expect(problemOf({ ...pair, key: TEXT })?.reason).toMatch(/no private key/);
    expect(problemOf({ ...pair, key: other.key })?.reason).toMatch(/another certificate/);
    const cipher = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const;
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const locked = Buffer.from(privateKey.export(cipher));
    expect(problemOf({ ...pair, key: locked })?.reason).toMatch(/encrypted/);
  });

  test('a certificate of our own that has ended, or not begun', () => {
    expect(pemProblem({ ...NONE, ...pairOf('20200201000000Z') }, Date.now())?.reason).toMatch(
      /ended on 2020-02-01/,
    );
    expect(pemProblem({ ...NONE, ...pairOf() }, 0)?.reason).toMatch(/begins on \d{4}-\d\d-\d\d only/);
  });
});

test.each([
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
  'ERR_SSL_WRONG_VERSION_NUMBER',
])('%s is not over in a moment', (code) => expect(isTlsRefusal(code)).toBe(true));

test.each(['ECONNRESET', 'ERR_TLS_HANDSHAKE_TIMEOUT', 'ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', 58, undefined])(
  '%s may be',
  (code) => expect(isTlsRefusal(code)).toBe(false),
);

test("OpenSSL's place in its sources is left out of the reason", () => {
  const message =
    '40E7:error:0A000418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca:../a.c:1605:SSL alert';
  expect(tlsReason(message)).toBe('tlsv1 alert unknown ca');
  expect(tlsReason('one\ntwo')).toBe('one');
});
