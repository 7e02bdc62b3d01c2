import { expect, test } from 'vitest';
import { openOssStore } from '../../../../src/stores/oss/store.ts';

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
