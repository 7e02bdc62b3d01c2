import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { logToStderr } from '../../scripts/services/common.ts';
import { ensureParquetReaders } from '../../scripts/services/download.ts';
import type { Codec } from '../../src/formats/parquet/compress.ts';
import { describeJudge, find, runPython } from './judge.ts';
import { lineOf, writeFile } from './parquetRows.ts';

/** As DuckDB reads the JSON itself, and as it must read the file. */
const DUCKDB = {
  ...{ id: 'BIGINT', n: 'INTEGER', d: 'DOUBLE', name: 'VARCHAR', b: 'BOOLEAN', price: 'DECIMAL(30,4)' },
  ...{ at: 'TIMESTAMP WITH TIME ZONE', local: 'TIMESTAMP', day: 'DATE', time: 'TIME', tags: 'VARCHAR[]' },
  ...{ who: 'STRUCT("name" VARCHAR, age INTEGER)', m: 'MAP(VARCHAR, BIGINT)', deep: 'INTEGER[][]' },
  ...{ uuid: 'UUID', small: 'DECIMAL(9,2)' },
};

describeJudge(
  'DuckDB and pyarrow judge Parquet files',
  await find(() => ensureParquetReaders(logToStderr)),
  (pythonPath) => {
    test.each<Codec>(['zstd', 'snappy', 'gzip', 'none'])('with the codec %s', async (codec) => {
      const dir = mkdtempSync(path.join(tmpdir(), 'tidemark-parquet-'));
      onTestFinished(() => rmSync(dir, { recursive: true }));
      const lines = Array.from({ length: 4000 }, (_, index) => lineOf(index));
      const [file, json] = [path.join(dir, 'rows.parquet'), path.join(dir, 'rows.json')];
      writeFileSync(file, writeFile(lines, codec));
      writeFileSync(json, `${lines.join('\n')}\n`);
      const columns = `{${Object.entries(DUCKDB)
        .map(([name, type]) => `"${name}": '${type}'`)
        .join(', ')}}`;
      const seen = await runPython('python3', pythonPath, 'parquetScript.py', file, json, columns);
      expect(seen).toMatchObject({
        ...{ rows: 4000, missing: 0, foreign: 0, arrowRows: [4000, 4000, 3], found: [1, 0, 1] },
        duckdb: DUCKDB,
        firstDecimals: ['0.5000', '1.5000', '2.5000'],
        pyarrow: {
          ...{ id: 'int64', price: 'decimal128(30, 4)', at: 'timestamp[ms, tz=UTC]', day: 'date32[day]' },
          ...{ local: 'timestamp[us]', time: 'time64[us]', m: "map<string, int64 ('m')>" },
        },
      });
    });
  },
);
