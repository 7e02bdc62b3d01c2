import { describe, expect, test } from 'vitest';
import { openOssStore } from '../../../../src/stores/oss/store.ts';
import { expectCode, newTarget } from '../../../conformance/store/scene.ts';
import { ownPlace } from './ownPlace.ts';

const own = ownPlace();

test('the end of a session leaves the keys and connections to the store and its other sessions', async () => {
  let closed = 0;
  const store = openOssStore({
    ...{ ossBucket: 'lake', region: 'cn-test', uploadPartBytes: 1024 * 1024 },
    address: { host: '127.0.0.1', port: 1, https: false, pathStyle: true },
    keys: () => Promise.reject(new Error('nobody asks for keys')),
    onClose: () => (closed += 1),
  });
  await store.session().close();
  expect(closed).toBe(0);
  await store.close();
  expect(closed).toBe(1);
});

describe('versioning of the bucket', () => {
  test('is asked for once by all sessions of a store', async () => {
    const h = own.harness();
    const store = h.newStore();
    for (let claims = 0; claims < 3; claims += 1) {
      const session = store.session();
      await (await session.create(newTarget(h))).abandon();
      await session.close();
    }
    expect(own.operations().filter((one) => one === 'GetBucketVersioning')).toHaveLength(1);
  });

  test('that one session learns of stops the others, too', async () => {
    await own.place.versionedBucket('turned', null);
    const store = own.place.newStore({ ossBucket: 'turned' });
    const [one, other] = [store.session(), store.session()];
    const target = (id: number) => ({
      partId: `${id}`,
      finalUri: `oss://turned/part-${id}`,
      temporaryUri: `oss://turned/.tidemark-${id}`,
    });
    await (await other.create(target(1))).abandon();
    const file = await one.create(target(2));
    await own.place.versionedBucket('turned', 'Enabled');
    await file.write(Buffer.from('line\n'));
    await file.persist();
    await expectCode(other.create(target(3)), 'OSS_BUCKET_VERSIONED');
    await file.abandon();
    await store.close();
  });
});
