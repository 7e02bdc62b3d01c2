import { afterAll, beforeAll } from 'vitest';
import { fetchJindosdk } from '../../../scripts/jindosdk/fetch.ts';
import { logToStderr } from '../../../scripts/services/common.ts';
import { describeJudge, find } from '../../judges/judge.ts';
import { OssHdfsPlace } from './ossHdfsHarness.ts';
import { describeStore } from './suite.ts';

const MiB = 1024 * 1024;

/** What is not known of the real service. */
export interface Guess {
  readonly rename: 'replaces' | 'refuses';
  readonly recovered: 'flushed' | 'uploaded';
}

/**
 * The suite against a loopback server that behaves as guessed. Once in a process: JindoSDK's thread that
 * renews leases holds a lock of the whole process while it sends. It goes on to send to a server that is
 * gone, and then every file that is opened anywhere waits for minutes.
 */
export async function describeOssHdfs({ rename, recovered }: Guess): Promise<void> {
  const found = await find(() => fetchJindosdk(logToStderr));
  const guess = `a rename ${rename}, a recovery finds what was ${recovered}`;
  describeJudge(`against the loopback server where ${guess}`, found, ({ library }) => {
    let place: OssHdfsPlace;
    beforeAll(async () => {
      place = await OssHdfsPlace.open(library, '--rename-onto-file', rename, '--recovered-length', recovered);
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
