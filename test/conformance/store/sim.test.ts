import { SimFileServer } from '../../../sim/simStores/file.ts';
import { SimOssServer } from '../../../sim/simStores/oss.ts';
import { SimOssHdfsServer } from '../../../sim/simStores/ossHdfs.ts';
import { simHarness } from './simHarness.ts';
import { describeStore } from './suite.ts';

describeStore("the world's file store", {
  harness: async () => simHarness((options) => new SimFileServer(options)),
  emptyFile: 'published',
  largeBytes: 10_000,
  temporary: 'name',
});

describeStore("the world's OSS-HDFS store", {
  harness: async () => simHarness((options) => new SimOssHdfsServer(options)),
  emptyFile: 'published',
  largeBytes: 10_000,
  temporary: 'name',
});

describeStore("the world's OSS store", {
  harness: async () => simHarness((options) => new SimOssServer({ ...options, uploadPartBytesMin: 2_000 })),
  emptyFile: 'nothing',
  largeBytes: 10_000,
  temporary: 'upload',
});
