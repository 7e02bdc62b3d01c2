/** The formats that the bench compares, and how what was written is compared. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { ensureParquetReaders } from '../../scripts/services/download.ts';
import { runCommand } from '../../scripts/services/processes.ts';
import type { BenchContext } from '../harness/context.ts';
import { LINE_BYTES, type BenchFormat } from '../harness/contestants.ts';
import { dataFiles, digestCompressed, digestFolder, type FolderDigest } from '../harness/lineDigest.ts';

const COLUMNS = path.join(import.meta.dirname, 'topic.columns.yml');

function compressedText(codec: 'gzip' | 'zstd', level: number): BenchFormat {
  return {
    flag: codec,
    keys: { sink: { compression: { codec, level } } },
    digestOf: (folder) => digestCompressed(folder, codec),
  };
}

export const GZIP_TEXT = compressedText('gzip', 6);
export const ZSTD_TEXT = compressedText('zstd', 3);

export const JSON_RECORDS: BenchFormat = {
  flag: 'json',
  keys: { sink: { format: 'json', envelope: 'record' }, value: { decode: 'string' } },
  digestOf: (folder) => Promise.resolve(digestFolder(folder)),
};

export function parquetFormat({ log, signal }: BenchContext): BenchFormat {
  return {
    flag: 'parquet',
    keys: { sink: { format: 'parquet' }, value: { schema: COLUMNS } },
    digestOf: async (folder) => digestParquet(folder, await ensureParquetReaders(log, signal), signal),
  };
}

/** Of the rows, whatever file they are in. `bytes` are those of the records that they were made of. */
async function digestParquet(folder: string, pythonPath: string, signal: AbortSignal): Promise<FolderDigest> {
  const asked = { script: 'parquetDigest.py', pythonPath, signal };
  const { rows, digest } = await askDuckDb<{ rows: number; digest: string }>(folder, asked);
  const files = dataFiles(folder).length;
  return { digest: `${rows} rows ${digest}`, records: rows, bytes: rows * LINE_BYTES, files };
}

interface Asking {
  /** Of this folder; gets the name of a list of files, and prints one document of JSON. */
  readonly script: string;
  readonly pythonPath: string;
  readonly signal: AbortSignal;
}

/** What the script says of all published files below the folder. */
export async function askDuckDb<T>(folder: string, { script, pythonPath, signal }: Asking): Promise<T> {
  const list = `${folder}.list`;
  writeFileSync(list, dataFiles(folder).join('\n'));
  const args = [path.join(import.meta.dirname, script), list];
  const { stdout } = await runCommand('python3', args, { env: { PYTHONPATH: pythonPath }, signal });
  return JSON.parse(stdout) as T;
}
