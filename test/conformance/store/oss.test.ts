import { afterAll, beforeAll } from 'vitest';
import { OssPlace } from './ossHarness.ts';
import { describeStore } from './suite.ts';

const KiB = 1024;

let place: OssPlace;
beforeAll(async () => {
  place = await OssPlace.open();
});
afterAll(() => place.close());

describeStore('the OSS store', {
  harness: async () => Promise.resolve(place.harness({ uploadPartBytes: 256 * KiB })),
  emptyFile: 'nothing',
  largeBytes: 1_300 * KiB + 12_345,
  temporary: 'upload',
});
