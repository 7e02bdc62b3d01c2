/** Each outcome of the checks of plain OSS, and what they leave in the bucket: nothing. */
import { describe, expect, test } from 'vitest';
import { Secret } from '../../../../kernels/schema/secret.ts';
import { ossProbe } from '../../../../src/stores/oss/probe.ts';
import { systemClock } from '../../../../src/system/clock.ts';
import { impatient } from '../../../conformance/store/localHarness.ts';
import { ownPlace } from './ownPlace.ts';

const oss = ownPlace();

function probed({ ossBucket = 'lake', port = Number(oss.place.server.address.split(':')[1]) } = {}) {
  const { leftovers, sinkUri } = oss.harness();
  const folder = sinkUri.split('/').at(-1) ?? '';
  let closed = 0;
  const probe = ossProbe({
    ...{ ossBucket, region: 'cn-test', scratchUri: `oss://${ossBucket}/${folder}/.tidemark/_doctor-x` },
    address: { host: '127.0.0.1', port, https: false, pathStyle: true },
    keys: () =>
      Promise.resolve({
        ...{ accessKeyId: new Secret('test-id'), accessKeySecret: new Secret('test-secret') },
        securityToken: null,
      }),
    clock: { ...systemClock, pause: () => impatient.pause(0) },
    onClose: () => (closed += 1),
  });
  const run = async (id: string) => {
    const wanted = probe.checks.find((check) => check.id === id);
    if (wanted === undefined) throw new Error(`there is no check ${id}`);
    return wanted.run(new AbortController().signal);
  };
  const rejected = async (id: string): Promise<unknown> => run(id).catch((error: unknown) => error);
  return { probe, run, rejected, leftovers, closed: () => closed };
}

test('a bucket that is as it has to be passes, and nothing is left before it is cleaned', async () => {
  const { probe, run, leftovers, closed } = probed();
  for (const { id } of probe.checks) expect([id, (await run(id)).outcome]).toEqual([id, 'pass']);
  expect(new Set(oss.operations())).toEqual(
    new Set([
      ...['GetBucketVersioning', 'PutObject', 'HeadObject', 'DeleteObject'],
      ...['InitiateMultipartUpload', 'UploadPart', 'ListParts', 'CompleteMultipartUpload'],
      'AbortMultipartUpload',
    ]),
  );
  expect(await leftovers()).toEqual([]);
  await probe.removeScratch();
  await probe.close();
  expect(closed()).toBe(1);
});

test.each(['Enabled', 'Suspended'] as const)('a bucket whose versioning is %s fails', async (status) => {
  const ossBucket = `versioned-${status.toLowerCase()}`;
  await oss.place.versionedBucket(ossBucket, status);
  const { probe, run } = probed({ ossBucket });
  expect(await run('oss-versioning')).toMatchObject({
    outcome: 'fail',
    found: expect.stringContaining(status) as string,
  });
  expect(await run('oss-object')).toMatchObject({
    outcome: 'fail',
    found: 'an object was overwritten although that was forbidden',
  });
  await probe.removeScratch();
  expect(oss.operations().at(-1)).toBe('ListMultipartUploads');
});

describe('a right that is missing', () => {
  test.each([
    ['oss-object', 'PutObject'],
    ['oss-object', 'HeadObject'],
    ['oss-object', 'DeleteObject'],
    ['oss-upload', 'InitiateMultipartUpload'],
    ['oss-upload', 'UploadPart'],
    ['oss-upload', 'ListParts'],
    ['oss-upload', 'CompleteMultipartUpload'],
    ['oss-upload', 'AbortMultipartUpload'],
    ['oss-versioning', 'GetBucketVersioning'],
  ])('fails %s: %s, and what was made is removed', async (id, operation) => {
    const { probe, rejected, leftovers } = probed();
    oss.place.server.faults.arm({ type: 'accessDenied', operation });
    const error = await rejected(id);
    expect(error).toMatchObject({ message: expect.stringMatching(/AccessDenied.*RAM user/s) as string });
    expect(probe.isAway(error)).toBe(false);
    await probe.removeScratch();
    expect(await leftovers()).toEqual([]);
  });

  test('to list uploads is not needed', async () => {
    const { probe, run, leftovers } = probed();
    expect((await run('oss-upload')).outcome).toBe('pass');
    oss.place.server.faults.arm({ type: 'accessDenied', operation: 'ListMultipartUploads' });
    await probe.removeScratch();
    expect(oss.place.server.faults.left).toBe(0);
    expect(await leftovers()).toEqual([]);
  });

  test('to list objects is told where they are removed', async () => {
    const { probe, run } = probed();
    await run('oss-object');
    oss.place.server.faults.arm({ type: 'accessDenied', operation: 'ListObjects' });
    await expect(probe.removeScratch()).rejects.toThrow(/remove what is below.*AccessDenied/s);
  });
});

test('a service that is away is told from one that refuses', async () => {
  const { probe, run, rejected } = probed({ port: 1 });
  expect((await run('oss-endpoint')).outcome).toBe('notDone');
  expect(probe.isAway(await rejected('oss-versioning'))).toBe(true);
  const busy = probed();
  oss.place.server.faults.arm({ type: 'status', status: 503, operation: 'PutObject', times: 100 });
  expect(busy.probe.isAway(await busy.rejected('oss-object'))).toBe(true);
});

test('asks nothing of the bucket where nothing was made', async () => {
  const { probe } = probed();
  await probe.removeScratch();
  expect(oss.operations()).toEqual([]);
});
