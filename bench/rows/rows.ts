/** All rows of the bench, in the order in which they run. */
import { audit } from './audit.ts';
import { bucketsAgainstFlink, codecs, cpu, memory, throughput } from './againstFlink.ts';
import { buckets, interval } from './againstItself.ts';
import { fetch } from './fetch.ts';
import { ossHdfs } from './ossHdfs.ts';
import { restart } from './restart.ts';
import type { Row } from './row.ts';

export const rows: readonly Row[] = [
  throughput,
  cpu,
  memory,
  codecs,
  buckets,
  bucketsAgainstFlink,
  fetch,
  restart,
  ossHdfs,
  audit,
  interval,
];
export const rowNames = rows.map(({ name }) => name);
