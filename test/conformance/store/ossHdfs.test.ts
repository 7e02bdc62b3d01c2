import { afterAll, beforeAll } from 'vitest';
import { fetchJindosdk } from '../../../scripts/jindosdk/fetch.ts';
import { logToStderr } from '../../../scripts/services/common.ts';
import { describeJudge, find } from '../../judges/judge.ts';
import { OssHdfsPlace } from './ossHdfsHarness.ts';
import { describeStore } from './suite.ts';

const found = await find(() => fetchJindosdk(logToStderr));
const MiB = 1024 * 1024;

/** What is not known of the real service, both ways. */
const GUESSES = {
  'a rename replaces, a recovery finds what was flushed': ['replaces', 'flushed'],
  'a rename refuses, a recovery finds what was uploaded': ['refuses', 'uploaded'],
} as const;

for (const [guess, [rename, recovery]] of Object.entries(GUESSES)) {
  describeJudge(`against the loopback server where ${guess}`, found, ({ library }) => {
    let place: OssHdfsPlace;
    beforeAll(async () => {
      place = await OssHdfsPlace.open(library, '--rename-onto-file', rename, '--recovered-length', recovery);
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
}
