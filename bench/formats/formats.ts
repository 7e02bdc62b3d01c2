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
  const files = dataFiles(folder);
  const list = `${folder}.list`;
  writeFileSync(list, files.join('\n'));
  const script = path.join(import.meta.dirname, 'parquetDigest.py');
  const { stdout } = await runCommand('python3', [script, list], { env: { PYTHONPATH: pythonPath }, signal });
  const { rows, digest } = JSON.parse(stdout) as { readonly rows: number; readonly digest: string };
  return { digest: `${rows} rows ${digest}`, records: rows, bytes: rows * LINE_BYTES, files: files.length };
}
