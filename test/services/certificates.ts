/** Certificates for tests, made by openssl. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** A reason to skip where it is false; in CI it is there, or its absence is a failure. */
export const hasOpenssl = process.env['CI'] === 'true' || spawnSync('openssl', ['version']).status === 0;

export interface Certificate {
  /** Paths of PEM files. Its own authority. */
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOptions {
  readonly host?: string;
  /** As openssl writes a time; two days from now by default. */
  readonly validUntil?: string;
}

/** A certificate that signs itself, in a folder of its own below `into`. */
export function makeCertificate(
  into: string,
  { host = 'localhost', validUntil }: CertificateOptions = {},
): Certificate {
  const folder = mkdtempSync(path.join(into, 'certificate-'));
  const [cert, key, request] = ['cert.pem', 'key.pem', 'request.pem'].map((name) => path.join(folder, name));
  const made = { cert: cert ?? '', key: key ?? '' };
  const curve = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    `/CN=${host}`,
  ];
  openssl(folder, ['req', '-new', ...curve, '-keyout', made.key, '-out', request ?? '']);
  // The command `req -x509` knows no certificate that has expired already; `ca` does.
  writeFileSync(path.join(folder, 'index.txt'), '');
  writeFileSync(path.join(folder, 'serial'), '01');
  writeFileSync(
    path.join(folder, 'ca.cnf'),
    `[ca]\ndefault_ca = own\n[own]\nnew_certs_dir = ${folder}\ndatabase = ${folder}/index.txt\n` +
      `serial = ${folder}/serial\n` +
      'default_md = sha256\npolicy = any\nx509_extensions = names\n[any]\ncommonName = supplied\n' +
      `[names]\nsubjectAltName = DNS:${host}\nbasicConstraints = critical, CA:TRUE\n`,
  );
  const dates =
    validUntil === undefined ? ['-days', '2'] : ['-startdate', '20200101000000Z', '-enddate', validUntil];
  const files = ['-keyfile', made.key, '-in', request ?? '', '-out', made.cert];
  openssl(folder, ['ca', '-batch', '-notext', '-config', 'ca.cnf', '-selfsign', ...dates, ...files]);
  return made;
}

function openssl(cwd: string, args: readonly string[]): void {
  const made = spawnSync('openssl', args, { cwd });
  if (made.status !== 0) throw new Error(made.stderr.toString());
}
