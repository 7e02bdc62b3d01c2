import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeIntegration } from '../../services/integration.ts';
import { claimed, identity, subjectOf, writerOn } from '../../unit/journal/fixtures.ts';
import { Attempt } from './attempt.ts';
import { hasOpenssl, makeCertificate, type Certificate } from '../../services/certificates.ts';
import { PlainNats } from './plainNats.ts';

let folder = '';
let sound: Certificate;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tidemark-tls-'));
  if (hasOpenssl) sound = makeCertificate(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Longer than any test may take: what is not found at once would be waited for. */
const FOR_EVER_MS = 3_600_000;

function serve({ cert, key }: Certificate, more = ''): Promise<PlainNats> {
  return PlainNats.start(
    folder,
    `jetstream { store_dir: "STORE" }\ntls { cert_file: "${cert}", key_file: "${key}"${more} }`,
  );
}

/** It is said at once, as what the job file has to say differently, and `told` says what. */
async function refused(attempt: Attempt, told: RegExp): Promise<void> {
  await expect(attempt.journal).rejects.toMatchObject({ code: 'JOURNAL_AUTHENTICATION', retry: 'config' });
  await expect(attempt.journal).rejects.toThrow(told);
}

describeIntegration(
  'TLS to the JetStream journal',
  () => {
    test.skipIf(!hasOpenssl)('is spoken with a private authority', async () => {
      await using nats = await serve(sound);
      await using attempt = new Attempt({
        ...{ servers: [`tls://localhost:${nats.port}`], tls: { caFile: sound.cert } },
      });
      const journal = await attempt.journal;
      expect((await writerOn(journal, subjectOf()).append(identity(), [claimed()])).seq).toBe(1);
    });

    test.skipIf(!hasOpenssl)('without that authority, or with another one: said at once', async () => {
      await using nats = await serve(sound);
      const servers = [`tls://localhost:${nats.port}`];
      await using without = new Attempt({ servers, waitForServerMs: FOR_EVER_MS });
      await refused(without, /self-signed certificate.*journal\.nats\.tls/);
      const other = makeCertificate(folder);
      await using withOther = new Attempt({
        servers,
        tls: { caFile: other.cert },
        waitForServerMs: FOR_EVER_MS,
      });
      await refused(withOther, /certificate.*journal\.nats\.tls/);
    });

    test.skipIf(!hasOpenssl)('a certificate that has expired: said at once', async () => {
      const expired = makeCertificate(folder, { validUntil: '20200201000000Z' });
      await using nats = await serve(expired);
      await using attempt = new Attempt({
        ...{ servers: [`tls://localhost:${nats.port}`], tls: { caFile: expired.cert } },
        waitForServerMs: FOR_EVER_MS,
      });
      await refused(attempt, /certificate has expired/);
    });

    test.skipIf(!hasOpenssl)("another host's certificate: said at once", async () => {
      const other = makeCertificate(folder, { host: 'elsewhere' });
      await using nats = await serve(other);
      await using attempt = new Attempt({
        ...{ servers: [`tls://localhost:${nats.port}`], tls: { caFile: other.cert } },
        waitForServerMs: FOR_EVER_MS,
      });
      await refused(attempt, /does not match certificate/);
    });

    test.skipIf(!hasOpenssl)(
      'a server that wants a certificate of ours, and gets none: said at once',
      async () => {
        await using nats = await serve(sound, `, ca_file: "${sound.cert}", verify: true`);
        await using attempt = new Attempt({
          ...{ servers: [`tls://localhost:${nats.port}`], tls: { caFile: sound.cert } },
          waitForServerMs: FOR_EVER_MS,
        });
        await refused(attempt, /wants a certificate of its clients.*tls\.cert/);
      },
    );

    test.skipIf(!hasOpenssl)('no TLS to a server that wants it: said at once', async () => {
      await using nats = await serve(sound);
      await using attempt = new Attempt({
        servers: [`localhost:${nats.port}`],
        waitForServerMs: FOR_EVER_MS,
      });
      await refused(attempt, /journal\.nats\.tls/);
    });

    test.skipIf(!hasOpenssl)(
      'TLS before anything else to a server that greets first: said at once',
      async () => {
        await using nats = await serve(sound);
        await using attempt = new Attempt({
          ...{ servers: [`tls://localhost:${nats.port}`], tls: { caFile: sound.cert, handshakeFirst: true } },
          waitForServerMs: FOR_EVER_MS,
        });
        await refused(attempt, /TLS failed \(wrong version number\)/);
      },
    );

    test('TLS to a server that has none: said at once', async () => {
      await using nats = await PlainNats.start(folder, 'jetstream { store_dir: "STORE" }');
      await using attempt = new Attempt({
        servers: [`tls://localhost:${nats.port}`],
        waitForServerMs: FOR_EVER_MS,
      });
      await refused(attempt, /no TLS/);
    });

    test.each(['caFile', 'certFile', 'keyFile'] as const)('a missing %s is named at once', async (file) => {
      await using attempt = new Attempt({
        ...{ servers: ['tls://localhost:1'], tls: { [file]: path.join(folder, 'none.pem') } },
        waitForServerMs: FOR_EVER_MS,
      });
      await expect(attempt.journal).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
      await expect(attempt.journal).rejects.toThrow(/none\.pem/);
    });
  },
  { ownServers: true },
);
