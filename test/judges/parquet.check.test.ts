import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { logToStderr } from '../../scripts/services/common.ts';
import { ensureParquetReaders } from '../../scripts/services/download.ts';
import type { Codec } from '../../src/formats/parquet/compress.ts';
import { parseYamlSchema } from '../../src/formats/parquet/yamlSchema.ts';
import { appendText, encoderOf } from '../unit/formats/parquet/files.ts';
import { describeJudge, find, runPython } from './judge.ts';

const SCHEMA = parseYamlSchema({
  ...{ id: 'long', 'n?': 'int', 'd?': 'double', name: 'string', 'b?': 'boolean', price: 'decimal(30,4)' },
  ...{ at: 'timestamp-millis', 'local?': 'local-timestamp-micros', day: 'date', 'time?': 'time-micros' },
  ...{ 'tags?': ['string?'], who: { name: 'string', 'age?': 'int' }, 'm?': 'map<string,long>' },
  ...{ 'deep?': 'list<list<int?>?>', 'uuid?': 'uuid', small: 'decimal(9,2)' },
});

/** As DuckDB reads the JSON itself, and as it must read the file. */
const DUCKDB = {
  ...{ id: 'BIGINT', n: 'INTEGER', d: 'DOUBLE', name: 'VARCHAR', b: 'BOOLEAN', price: 'DECIMAL(30,4)' },
  ...{ at: 'TIMESTAMP WITH TIME ZONE', local: 'TIMESTAMP', day: 'DATE', time: 'TIME', tags: 'VARCHAR[]' },
  ...{ who: 'STRUCT("name" VARCHAR, age INTEGER)', m: 'MAP(VARCHAR, BIGINT)', deep: 'INTEGER[][]' },
  ...{ uuid: 'UUID', small: 'DECIMAL(9,2)' },
};

function lineOf(index: number): string {
  const pad = (value: number, length = 2): string => String(value).padStart(length, '0');
  const id = index === 0 ? '-9007199254740993' : String(index);
  const record = {
    ...{
      name: `näme ${index % 50} "${'x'.repeat(index % 90)}"`,
      small: `${index % 1000}.25`,
      price: `${index}.5`,
    },
    at: `2026-01-${pad(1 + (index % 28))}T12:${pad(index % 60)}:00.${pad(index % 1000, 3)}Z`,
    day: `19${pad(index % 100)}-03-01`,
    who: index % 3 === 0 ? { name: 'a' } : { age: index, name: `b${index}` },
    ...(index % 2 === 0 ? { n: -index, d: index / 7, b: index % 4 === 0 } : { n: null }),
    ...(index % 5 === 0 ? {} : { tags: index % 5 === 1 ? [] : ['t', null, `u${index}`] }),
    ...(index % 4 === 0 ? { m: { a: index, 'b c': 1 } } : {}),
    ...(index % 7 === 0 ? { deep: [[index, null], [], null] } : {}),
    ...(index % 2 === 0
      ? { local: `2026-02-03T04:05:06.${pad(index % 1000, 6)}`, time: '23:59:59.000001' }
      : {}),
    ...(index % 3 === 0 ? { uuid: `00000000-0000-4000-8000-${pad(index, 12)}` } : {}),
  };
  return `{"id":${id},${JSON.stringify(record).slice(1)}`;
}

function writeFile(lines: readonly string[], codec: Codec): Buffer {
  const encoder = encoderOf(SCHEMA, { codec, pageBytes: 4096 });
  const parts: Uint8Array[] = [];
  for (const [index, line] of lines.entries()) {
    expect(appendText(encoder, line), line).toBeNull();
    if (index % 1500 === 1499) parts.push(...encoder.endRowGroup());
  }
  return Buffer.concat([...parts, ...encoder.endRowGroup(), encoder.footer()]);
}

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
