/** The store of a kind, as the world has it. */
import type { StoreKind } from '../schedule.ts';
import { SimFileServer } from './file.ts';
import { SimOssServer } from './oss.ts';
import { SimOssHdfsServer } from './ossHdfs.ts';
import type { SimStoreOptions, SimStoreServer } from './port.ts';

export function makeStore(kind: StoreKind, options: SimStoreOptions): SimStoreServer {
  switch (kind) {
    case 'file':
      return new SimFileServer(options);
    case 'oss-hdfs':
      return new SimOssHdfsServer(options);
    case 'oss':
      return new SimOssServer(options);
  }
}
