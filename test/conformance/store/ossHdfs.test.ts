import { afterAll, beforeAll } from 'vitest';
import { describeJindosdk } from '../../services/jindosdk.ts';
import { OssHdfsPlace } from './ossHdfsHarness.ts';
import { describeStore } from './suite.ts';

const MiB = 1024 * 1024;

describeJindosdk('against the loopback server', () => {
  let place: OssHdfsPlace;
  beforeAll(async () => {
    place = await OssHdfsPlace.open();
  });
  afterAll(async () => {
    await place.close();
  });

  describeStore('the OSS-HDFS store', {
    harness: async () => Promise.resolve(place.harness()),
    emptyFile: 'published',
    largeBytes: 9 * MiB + 12_345,
    temporary: 'name',
  });
});
