import { afterAll, beforeAll } from 'vitest';
import { fetchJindosdk } from '../../../scripts/jindosdk/fetch.ts';
import { logToStderr } from '../../../scripts/services/common.ts';
import { describeJudge, find } from '../../judges/judge.ts';
import { OssHdfsPlace } from './ossHdfsHarness.ts';
import { describeStore } from './suite.ts';

const found = await find(() => fetchJindosdk(logToStderr));
const MiB = 1024 * 1024;

describeJudge('against the loopback server', found, ({ library }) => {
  let place: OssHdfsPlace;
  beforeAll(async () => {
    place = await OssHdfsPlace.open(library);
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
