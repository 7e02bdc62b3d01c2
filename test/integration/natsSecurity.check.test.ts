/** Real nats-servers that demand TLS and each way to authenticate, and what is said of a wrong one. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createJwtWorld } from '../conformance/journal/natsJwt.ts';
import { PlainNats } from '../conformance/journal/plainNats.ts';
import { hasOpenssl, makeCertificate, type Certificate } from '../services/certificates.ts';
import { describeIntegration } from '../services/integration.ts';
import { expectCode, scratchFolder, TestJob, uniqueName } from './testJob.ts';

const SECRET = 'a-secret-of-nats';
const WRONG = 'another-secret-of-nats';
const seedOf = (pair: ReturnType<typeof nkeys.createUser>): string =>
  new TextDecoder().decode(pair.getSeed());

let folder = '';
let server: Certificate;
let client: Certificate;
let stranger: Certificate;
const [user, other] = [nkeys.createUser(), nkeys.createUser()];
const [jwt, otherJwt] = [createJwtWorld(), createJwtWorld()];

interface Demand {
  /** Of the server, besides TLS. */
  readonly config: () => string;
  readonly tls?: () => string;
  /** Keys of journal.nats. */
  readonly right: () => object;
  readonly wrong: () => object;
  readonly message: RegExp;
}

const refused = /JOURNAL_AUTHENTICATION: NATS at localhost:\d+ refuses .* journal\.nats/;

const credentialsOf = (credentials: string): string => {
  const file = path.join(scratchFolder(), 'user.creds');
  writeFileSync(file, credentials, { mode: 0o600 });
  return file;
};

const DEMANDS: Readonly<Record<string, Demand>> = {
  'user and password': {
    config: () => `authorization { users: [ { user: tide, password: "${SECRET}" } ] }`,
    right: () => ({ user: 'tide', password: SECRET }),
    wrong: () => ({ user: 'tide', password: WRONG }),
    message: refused,
  },
  'a token': {
    config: () => `authorization { token: "${SECRET}" }`,
    right: () => ({ token: SECRET }),
    wrong: () => ({ token: WRONG }),
    message: refused,
  },
  'an nkey': {
    config: () => `authorization { users: [ { nkey: ${user.getPublicKey()} } ] }`,
    right: () => ({ nkey: seedOf(user) }),
    wrong: () => ({ nkey: seedOf(other) }),
    message: refused,
  },
  'a credentials file': {
    config: () => jwt.serverConfig,
    right: () => ({ credentials: credentialsOf(jwt.credentials) }),
    wrong: () => ({ credentials: credentialsOf(otherJwt.credentials) }),
    message: refused,
  },
  'a client certificate': {
    config: () => '',
    tls: () => `, ca_file: "${client.cert}", verify: true`,
    right: () => ({ tls: { ca: server.cert, cert: client.cert, key: client.key } }),
    wrong: () => ({ tls: { ca: server.cert, cert: stranger.cert, key: stranger.key } }),
    message: /JOURNAL_AUTHENTICATION: NATS at .* refuses the certificate .* failed .*journal\.nats\.tls/,
  },
};

describeIntegration(
  'NATS that demands TLS',
  () => {
    describe.skipIf(!hasOpenssl)('and', () => {
      beforeAll(() => {
        folder = mkdtempSync(path.join(tmpdir(), 'tidemark-nats-'));
        [server, client, stranger] = [
          makeCertificate(folder),
          makeCertificate(folder),
          makeCertificate(folder),
        ];
      });
      afterAll(() => rmSync(folder, { recursive: true, force: true }));

      function serve({ config, tls = () => '' }: Demand): Promise<PlainNats> {
        const files = `cert_file: "${server.cert}", key_file: "${server.key}"`;
        return PlainNats.start(
          folder,
          `jetstream { store_dir: "STORE" }\ntls { ${files}${tls()} }\n${config()}`,
        );
      }

      function jobAt({ port }: PlainNats, keys: object): TestJob {
        const nats = { servers: [`tls://localhost:${port}`], tls: { ca: server.cert }, ...keys };
        const input = scratchFolder();
        writeFileSync(path.join(input, 'lines.ndjson'), 'a\nb\n');
        const source = { file: { path: path.join(input, '*.ndjson') } };
        const sections = { source, journal: { nats } };
        return new TestJob({ brokers: [], topic: uniqueName('secured'), sections });
      }

      test.each(Object.entries(DEMANDS))('%s', async (_what, demand) => {
        await using nats = await serve(demand);
        const job = jobAt(nats, demand.right());
        const end = await job.finish();
        expect([...job.committed().values()].flat()).toEqual(['a', 'b']);

        const refusal = await jobAt(nats, demand.wrong()).start().ended;

        expectCode(refusal, 2);
        expect(refusal.stderr).toMatch(demand.message);
        for (const secret of [SECRET, WRONG, seedOf(user), seedOf(other), jwt.secret, otherJwt.secret])
          expect(end.stderr + refusal.stderr).not.toContain(secret);
      });

      test('another authority, no TLS: each ends a service with exit 2 and the key', async () => {
        await using nats = await serve({ ...DEMANDS['a token'], config: () => '' } as Demand);
        const unknown = await jobAt(nats, { tls: { ca: stranger.cert } }).start().ended;
        expectCode(unknown, 2);
        expect(unknown.stderr).toMatch(/TLS failed \(.*certificate.*\): correct journal\.nats\.tls/);
        const plain = { servers: [`nats://localhost:${nats.port}`], tls: false };
        const without = await jobAt(nats, plain).start().ended;
        expectCode(without, 2);
        expect(without.stderr).toMatch(/journal\.nats\.tls/);
      });
    });
  },
  { ownServers: true, timeoutMs: 60_000 },
);
