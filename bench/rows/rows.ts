/** All rows of the bench, in the order in which they run. */
import { audit } from './audit.ts';
import { bucketsAgainstFlink, codecs, cpu, memory, throughput } from './againstFlink.ts';
import { buckets, interval } from './againstItself.ts';
import { fetch } from './fetch.ts';
import { gzipText, json, parquet, zstdText } from './formats.ts';
import { oss } from './oss.ts';
import { ossHdfs } from './ossHdfs.ts';
import { parquetCpu } from './parquetCpu.ts';
import { restart } from './restart.ts';
import type { Row } from './row.ts';
import { slowTopic } from './slowTopic.ts';

export const rows: readonly Row[] = [
  throughput,
  cpu,
  memory,
  codecs,
  buckets,
  bucketsAgainstFlink,
  gzipText,
  zstdText,
  json,
  parquet,
  parquetCpu,
  slowTopic,
  fetch,
  restart,
  ossHdfs,
  oss,
  audit,
  interval,
];
export const rowNames = rows.map(({ name }) => name);
