import { createFileStore } from '../../../src/stores/local/store.ts';
import { localHarness } from './localHarness.ts';
import { describeStore } from './suite.ts';

const MiB = 1024 * 1024;

describeStore('the file store', {
  harness: () => localHarness((pacer) => createFileStore({ pacer })),
  emptyFile: 'published',
  largeBytes: 3 * MiB + 12_345,
  temporary: 'name',
});
