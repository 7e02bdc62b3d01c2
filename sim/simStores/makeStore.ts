/** The stores of the world, one for each kind that it simulates. */
import { TidemarkError } from '../../journal/errors.ts';
import type { StoreKind } from '../schedule.ts';
import { SimFileServer } from './file.ts';
import { SimOssServer } from './oss.ts';
import { SimOssHdfsServer } from './ossHdfs.ts';
import type { SimStoreOptions, SimStoreServer } from './port.ts';

const SERVERS: Readonly<Record<StoreKind, new (options: SimStoreOptions) => SimStoreServer>> = {
  file: SimFileServer,
  'oss-hdfs': SimOssHdfsServer,
  oss: SimOssServer,
};

export function makeStore(kind: StoreKind, options: SimStoreOptions): SimStoreServer {
  return new SERVERS[kind](options);
}

/** The world's store of the kind that a job file names. CONFIG_INVALID if the world has none. */
export function simulatedStore(name: string): StoreKind {
  const kinds = Object.keys(SERVERS) as StoreKind[];
  const kind = kinds.find((known) => known === name);
  if (kind !== undefined) return kind;
  throw new TidemarkError(
    'CONFIG_INVALID',
    `The simulated world has no destination of the kind "${name}"; choose one by --store: ` +
      `${kinds.join(', ')}.`,
  );
}
