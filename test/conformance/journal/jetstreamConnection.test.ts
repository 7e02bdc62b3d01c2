import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeIntegration } from '../../services/integration.ts';
import { startNats, type OwnNats } from '../../services/servers.ts';
import { TcpProxy } from '../../services/tcpProxy.ts';
import { claimed, committed, identity, replayAll, subjectOf, writerOn } from '../../unit/journal/fixtures.ts';
import { Attempt } from './attempt.ts';
import { createJwtWorld } from './natsJwt.ts';
import { PlainNats } from './plainNats.ts';

const subject = subjectOf();
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tidemark-nats-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const JETSTREAM = 'jetstream { store_dir: "STORE" }\n';

/** A port that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

/** Without credentials one is somebody else, as whom the server is asked whether it is up. */
async function startWithUser(pass: string): Promise<OwnNats> {
  return startNats({
    config: `accounts {
        TIDE { jetstream: enabled, users: [ { user: tide, password: "${pass}" } ] }
        PROBE { jetstream: enabled, users: [ { user: probe, password: probe } ] }
      }
      no_auth_user: probe`,
  });
}

async function works(attempt: Attempt): Promise<void> {
  const journal = await attempt.journal;
  expect((await writerOn(journal, subject).append(identity(), [claimed()])).seq).toBe(1);
}

describeIntegration(
  'the connection to the JetStream journal',
  () => {
    test('where nobody answers is given up after the limit, with the address and what to do', async () => {
      const port = await closedPort();
      await using attempt = new Attempt({ servers: [`nats://127.0.0.1:${port}`], waitForServerMs: 300 });
      await expect(attempt.journal).rejects.toMatchObject({
        code: 'JOURNAL_UNAVAILABLE',
        retry: 'transient',
      });
      await expect(attempt.journal).rejects.toThrow(`127.0.0.1:${port}`);
    });

    test('waits for a server that comes later', async () => {
      const port = await closedPort();
      await using attempt = new Attempt({ servers: [`127.0.0.1:${port}`], waitForServerMs: 60_000 });
      await expect.poll(() => attempt.warnings).toHaveLength(1);
      expect(attempt.warnings[0]).toMatch(new RegExp(`127.0.0.1:${port} does not answer.*Waiting`));
      await using _nats = await startNats({ port });
      await works(attempt);
    });

    test('says once that it waits, however often it tries', async () => {
      let tries = 0;
      const server = createServer((socket) => {
        tries += 1;
        socket.destroy();
      });
      await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
      const { port } = server.address() as AddressInfo;
      const abort = new AbortController();
      const { signal } = abort;
      await using attempt = new Attempt({ servers: [`127.0.0.1:${port}`], waitForServerMs: 60_000, signal });
      await expect.poll(() => tries, { timeout: 30_000 }).toBeGreaterThan(3);
      abort.abort();
      await expect(attempt.journal).rejects.toThrow();
      expect(attempt.warnings).toHaveLength(1);
      await new Promise((closed) => server.close(closed));
    });

    test('ends its wait when it is told to', async () => {
      const abort = new AbortController();
      const port = await closedPort();
      const { signal } = abort;
      await using attempt = new Attempt({ servers: [`127.0.0.1:${port}`], waitForServerMs: 60_000, signal });
      await expect.poll(() => attempt.warnings).toHaveLength(1);
      abort.abort(new Error('shutting down'));
      await expect(attempt.journal).rejects.toThrow();
    });

    test('a server without JetStream is distinguished from none', async () => {
      await using nats = await PlainNats.start(folder, '');
      await using attempt = new Attempt({ servers: [nats.address], waitForServerMs: 2_000 });
      await expect(attempt.journal).rejects.toThrow(/no JetStream that answers/);
    });

    test.each(['http://127.0.0.1:4222', '::::', 'nats://', 'nats://host:port'])(
      'an address %j is refused without being repeated',
      async (server) => {
        await using attempt = new Attempt({ servers: ['127.0.0.1:4222', server] });
        await expect(attempt.journal).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
        await expect(attempt.journal).rejects.toThrow(/Server 2 .*nats:\/\/host:port/);
      },
    );

    test('that is lost comes back by itself, and both are reported', async () => {
      await using nats = await startNats();
      await using proxy = await TcpProxy.start(nats.port);
      await using attempt = new Attempt({ servers: [`127.0.0.1:${proxy.port}`] });
      const journal = await attempt.journal;
      const writer = writerOn(journal, subject);
      await writer.append(identity(), [claimed()]);
      for (let number = 1; number <= 3; number += 1) {
        proxy.cut();
        await writer.append(identity(), [committed(number)]);
      }
      expect(await replayAll(journal, subject)).toHaveLength(4);
      const told = attempt.warnings.join('\n');
      expect(told).toMatch(/was lost; reconnecting/);
      expect(told).toMatch(/Connected to NATS at .* again/);
    });

    test('closing does not wait for a server that does not answer', async () => {
      await using nats = await startNats();
      await using proxy = await TcpProxy.start(nats.port);
      await using attempt = new Attempt({ servers: [`127.0.0.1:${proxy.port}`] });
      const journal = await attempt.journal;
      proxy.silence();
      await journal.close();
    });
  },
  { ownServers: true },
);

describeIntegration(
  'the credentials of the JetStream journal',
  () => {
    // Begins as a port could.
    const secret = '4711-sesame-open';

    test('user and password are taken from the options or from the address', async () => {
      await using nats = await startWithUser(secret);
      for (const options of [
        { servers: [nats.url], user: 'tide', pass: secret },
        { servers: [`nats://tide:${secret}@127.0.0.1:${nats.port}`] },
        { servers: [`nats://tide:${encodeURIComponent(secret)}@127.0.0.1:${nats.port}`] },
      ]) {
        await using attempt = new Attempt({ ...options, stream: `T${Math.floor(performance.now() * 1e3)}` });
        await works(attempt);
        expect(await attempt.told()).not.toContain(secret);
      }
    });

    test('wrong ones are a configuration error at once, and are repeated nowhere', async () => {
      await using nats = await startWithUser('the-right-one');
      for (const options of [
        { servers: [nats.url], user: 'tide', pass: secret },
        { servers: [`nats://tide:${secret}@127.0.0.1:${nats.port}`] },
        { servers: [nats.url], token: secret },
      ]) {
        await using attempt = new Attempt({ ...options, waitForServerMs: 60_000 });
        await expect(attempt.journal).rejects.toMatchObject({
          code: 'JOURNAL_AUTHENTICATION',
          retry: 'config',
        });
        expect(await attempt.told()).not.toContain(secret);
      }
    });

    test('an address that cannot be parsed does not show its password', async () => {
      await using attempt = new Attempt({ servers: [`nats://tide:${secret}@host:port`] });
      await expect(attempt.journal).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
      expect(await attempt.told()).not.toContain(secret);
    });

    test('a .creds file is used, and read again when the connection is', async () => {
      const jwt = createJwtWorld();
      const file = path.join(folder, 'user.creds');
      writeFileSync(file, jwt.credentials);
      chmodSync(file, 0o600);
      await using nats = await PlainNats.start(folder, JETSTREAM + jwt.serverConfig);
      await using proxy = await TcpProxy.start(nats.port);
      await using attempt = new Attempt({ servers: [`127.0.0.1:${proxy.port}`], credentials: file });
      const journal = await attempt.journal;
      const writer = writerOn(journal, subject);
      await writer.append(identity(), [claimed()]);
      rmSync(file);
      proxy.cut();
      await writer.append(identity(), [committed(1)]);
      expect(attempt.warnings.join('\n')).toMatch(
        /journal\.nats\.credentials cannot be used; continuing with the last/,
      );
      expect(await attempt.told()).not.toContain(jwt.secret);
    });

    test('a .creds file that is missing is named', async () => {
      await using attempt = new Attempt({
        servers: ['127.0.0.1:1'],
        credentials: path.join(folder, 'none.creds'),
      });
      await expect(attempt.journal).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
      await expect(attempt.journal).rejects.toThrow(/none\.creds/);
    });

    test('a .creds file without credentials, and an nkey that is none, are named and not shown', async () => {
      const file = path.join(folder, 'wrong.creds');
      writeFileSync(file, secret);
      const seeds = [nkeys.createUser(), nkeys.createAccount()].map((pair) =>
        new TextDecoder().decode(pair.getSeed()),
      );
      const [user = '', account = ''] = seeds;
      for (const [options, message] of [
        [{ credentials: file }, /wrong\.creds of journal\.nats\.credentials .* no JWT and seed/],
        [{ nkey: secret }, /journal\.nats\.nkey is no seed of a user/],
        [{ nkey: account }, /journal\.nats\.nkey is no seed of a user/],
        [{ nkey: user.replace(/^SU./, 'SUZ') }, /journal\.nats\.nkey is no seed of a user/],
      ] as const) {
        await using attempt = new Attempt({
          servers: ['127.0.0.1:1'],
          ...options,
        });
        await expect(attempt.journal).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
        await expect(attempt.journal).rejects.toThrow(message);
        for (const hidden of [secret, account, user]) expect(await attempt.told()).not.toContain(hidden);
      }
    });
  },
  { ownServers: true },
);
