/** What is told of a service that refuses, does not answer, or is not to be relied on. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { Secret } from '../../../../kernels/schema/secret.ts';
import { journalId } from '../../../../journal/ids.ts';
import type { TidemarkError } from '../../../../journal/errors.ts';
import { expectCode, expectReaders, newTarget, outcomeOf, Writer } from '../../../conformance/store/scene.ts';
import type { OssStoreOptions } from '../../../../src/stores/oss/store.ts';
import { ownPlace } from './ownPlace.ts';

const own = ownPlace();
const ID = journalId('journal-00000001');
const [SECRET, TOKEN] = ['a-secret-nobody-may-see', 'a-token-nobody-may-see'];

const keysOf = (id: string, secret: string, token: string | null): OssStoreOptions['keys'] => {
  const securityToken = token === null ? null : new Secret(token);
  const keys = { accessKeyId: new Secret(id), accessKeySecret: new Secret(secret), securityToken };
  return () => Promise.resolve(keys);
};

async function claimWith(options: Partial<OssStoreOptions>): Promise<TidemarkError> {
  const h = own.harness(options);
  const error = await outcomeOf(h.newStore().claimMarker(h.sinkUri, 'clicks', ID));
  if (error === 'done') throw new Error('it did not fail');
  return error;
}

describe('a key', () => {
  test.each([
    ['that nobody has', keysOf('nobody', SECRET, null), 'InvalidAccessKeyId'],
    ['whose secret is another one', keysOf('test-id', SECRET, null), 'SignatureDoesNotMatch'],
    ['whose secret is another one, with a token', keysOf('test-id', SECRET, TOKEN), ''],
  ])('%s is refused for good, and shown nowhere', async (_, keys, code) => {
    const error = await claimWith({ keys });
    expect(error.message).toContain(code);
    expect(error.message).toMatch(/sink\.credentials|RAM/);
    const shown = [error.message, inspect(error, { depth: 9 }), JSON.stringify(error.fields)].join('\n');
    expect(shown).not.toContain(SECRET);
    expect(shown).not.toContain(TOKEN);
    expect(own.operations(), 'asked once').toHaveLength(1);
  });

  test('is asked for each request', async () => {
    let asked = 0;
    const right = keysOf('test-id', 'test-secret', null);
    const h = own.harness({
      keys: () => {
        asked += 1;
        return right();
      },
    });
    await h.newStore().claimMarker(h.sinkUri, 'clicks', ID);
    expect(asked).toBe(own.operations().length);
  });

  test('that no provider gives is told with its reason', async () => {
    const error = await claimWith({ keys: () => Promise.reject(new Error('the role is not there')) });
    expect(error.message).toContain('the role is not there');
  });
});

describe('a refusal says what to do', () => {
  test.each([
    ['AccessDenied', 403, /docs\/oss\.md/],
    ['NoSuchBucket', 404, /correct sink\.path/],
    ['RequestTimeTooSkewed', 403, /clock of this machine/],
    ['UserDisable', 403, /enable it/],
  ] as const)('%s', async (code, status, told) => {
    own.place.server.faults.arm({ type: 'status', status, code, operation: 'GetBucketVersioning' });
    const error = await claimWith({});
    expect(error.code).toBe('STORE_UNAVAILABLE');
    expect(error.message).toContain(code);
    expect(error.message).toMatch(told);
    expect(own.operations(), 'not repeated').toHaveLength(1);
  });

  test.each([
    ['SecurityTokenExpired', 403],
    ['RequestTimeout', 400],
    ['SlowDown', 503],
  ] as const)('%s may end by itself: it is asked again', async (code, status) => {
    own.place.server.faults.arm({ type: 'status', status, code, operation: 'GetBucketVersioning', times: 2 });
    const h = own.harness();
    expect(await h.newStore().claimMarker(h.sinkUri, 'clicks', ID)).toBe(ID);
  });

  test('a clock that is wrong', async () => {
    const error = await claimWith({ wallMs: () => Date.now() - 3_600_000 });
    expect(error.message).toContain('RequestTimeTooSkewed');
  });

  test('of a HEAD is read from its header: a bucket that is gone is no missing file', async () => {
    const h = own.harness({ ossBucket: 'nowhere' });
    const sinkUri = 'oss://nowhere/t';
    const error = await expectCode(h.newStore().readMarker(sinkUri, 'clicks'), 'STORE_UNAVAILABLE');
    expect(error.message).toContain('NoSuchBucket');
  });
});

describe('a service', () => {
  test('that is not there is told with its reason, after some tries', async () => {
    const address = { host: '127.0.0.1', port: 1, https: false, pathStyle: true };
    const error = await claimWith({ address });
    expect(error.code).toBe('STORE_UNAVAILABLE');
    expect(error.message).toContain('ECONNREFUSED');
  });

  test('that does not answer in time is asked again', async () => {
    own.place.server.faults.arm({ type: 'slow', delayMs: 60_000, operation: 'GetBucketVersioning' });
    const h = own.harness({ answerMs: 300 });
    expect(await h.newStore().claimMarker(h.sinkUri, 'clicks', ID)).toBe(ID);
    expect(own.operations().filter((one) => one === 'GetBucketVersioning')).toHaveLength(2);
  });

  test('that loses the reply to a new upload gives another one: nobody may know the first', async () => {
    const h = own.harness();
    own.place.server.faults.arm({ type: 'cutAfter', operation: 'InitiateMultipartUpload' });
    const store = h.newStore();
    await expectCode(store.create(newTarget(h)), 'STORE_OUTCOME_UNKNOWN');
    expect(own.operations().filter((one) => one === 'InitiateMultipartUpload')).toHaveLength(1);
    const writer = await (await Writer.create(store, newTarget(h))).write('one\n');
    await store.commit(writer.target, await writer.closeForCommit());
    await expectReaders(h, [writer.target, 'one\n']);
  });

  test.each(['cutBefore', 'cutAfter'] as const)('whose append is %s: exactly once', async (type) => {
    const h = own.harness();
    const store = h.newStore();
    const uri = `${h.sinkUri}/.tidemark-rows-${type}`;
    const file = await store.scratch.create(uri);
    await file.write(Buffer.from('one\n'));
    await file.persist();
    own.place.server.faults.arm({ type, operation: 'AppendObject' });
    await file.write(Buffer.from('two\n'));
    await file.persist();
    await file.write(Buffer.from('three\n'));
    await file.persist();
    const chunks: Uint8Array[] = [];
    for await (const chunk of store.reading.read(uri)) chunks.push(Buffer.from(chunk));
    expect(Buffer.concat(chunks).toString()).toBe('one\ntwo\nthree\n');
  });
});

describe('a bucket with versioning', () => {
  test.each(['Enabled', 'Suspended'] as const)(
    '(%s) is refused before anything is written',
    async (status) => {
      const name = `versioned-${status.toLowerCase()}`;
      await own.place.versionedBucket(name, status);
      const h = own.harness({ ossBucket: name });
      const target = { ...newTarget(h), finalUri: `oss://${name}/t/a`, temporaryUri: `oss://${name}/t/.a` };
      own.place.server.calls.length = 0;
      const store = h.newStore();
      for (const call of [
        () => store.claimMarker(`oss://${name}/t`, 'clicks', ID),
        () => store.create(target),
        () => store.scratch.create(`oss://${name}/t/.b`),
      ]) {
        const error = await expectCode(call(), 'OSS_BUCKET_VERSIONED');
        expect(error.message).toContain(status);
        expect(error.retry).toBe('config');
      }
      expect(new Set(own.operations())).toEqual(new Set(['GetBucketVersioning']));
    },
  );

  test('that was switched on meanwhile is found out by the next answer', async () => {
    const name = 'versioned-later';
    await own.place.versionedBucket(name, null);
    const h = own.harness({ ossBucket: name });
    const target = { ...newTarget(h), finalUri: `oss://${name}/t/a`, temporaryUri: `oss://${name}/t/.a` };
    const store = h.newStore();
    const file = await store.create(target);
    await own.place.versionedBucket(name, 'Enabled');
    await file.write(Buffer.from('one\n'));
    await file.persist();
    await expectCode(store.create(target), 'OSS_BUCKET_VERSIONED');
  });
});
