/** JSON into Parquet, by the encoder, and by DuckDB on one thread: CPU seconds. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Codec } from '../src/formats/parquet/compress.ts';
import { ParquetEncoder } from '../src/formats/parquet/encoder.ts';
import { parseYamlSchema } from '../src/formats/parquet/yamlSchema.ts';
import { SCHEMA } from './parquet/rows.ts';

const ROW_GROUP_ROWS = 100_000;
const LINE_FEED = 10;

export interface MeasuredEncoder {
  readonly cpuSeconds: number;
  readonly bytes: number;
}

function encode(json: Buffer, codec: Codec): { readonly file: Buffer; readonly unusualValues: number } {
  const encoder = new ParquetEncoder(parseYamlSchema(SCHEMA), {
    ...{ codec, rowGroupBytes: 2 ** 30, createdBy: 'tidemark bench' },
  });
  const out: Uint8Array[] = [];
  for (let at = 0; at < json.length;) {
    const end = json.indexOf(LINE_FEED, at);
    const problem = encoder.append(json, at, end);
    if (problem !== null) throw new Error(JSON.stringify(problem));
    if (encoder.rowsHeld === ROW_GROUP_ROWS) out.push(...encoder.endRowGroup());
    at = end + 1;
  }
  out.push(...encoder.endRowGroup(), encoder.footer());
  return { file: Buffer.concat(out), unusualValues: encoder.unusualValues };
}

export function measureOwn(json: Buffer, codec: Codec): MeasuredEncoder {
  const before = process.cpuUsage();
  const { file, unusualValues } = encode(json, codec);
  const { user, system } = process.cpuUsage(before);
  if (unusualValues > 0) throw new Error(`${unusualValues} values took the slower path`);
  return {
    cpuSeconds: (user + system) / 1e6,
    bytes: file.length,
  };
}

/** The time of the query alone, without the start of Python. */
export function measureDuckDb(pythonPath: string, json: Buffer, codec: Codec): MeasuredEncoder {
  const dir = mkdtempSync(path.join(tmpdir(), 'tidemark-parquet-'));
  try {
    const input = path.join(dir, 'rows.json');
    const output = path.join(dir, 'rows.parquet');
    writeFileSync(input, json);
    const columns = `{id: 'BIGINT', time: 'BIGINT', amount: 'DOUBLE', active: 'BOOLEAN', user: 'VARCHAR',
      country: 'VARCHAR', page: 'VARCHAR', session: 'VARCHAR'}`;
    const options =
      `FORMAT parquet, CODEC ${codec === 'none' ? 'uncompressed' : codec}, ` +
      `ROW_GROUP_SIZE ${ROW_GROUP_ROWS}`;
    const level = codec === 'zstd' ? ', COMPRESSION_LEVEL 1' : '';
    const script = `
import duckdb, os, resource
db = duckdb.connect(config={'threads': 1})
before = resource.getrusage(resource.RUSAGE_SELF)
db.execute("""COPY (SELECT * FROM read_json('${input}', format='newline_delimited', columns=${columns}))
          TO '${output}' (${options}${level})""")
after = resource.getrusage(resource.RUSAGE_SELF)
print(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, os.path.getsize('${output}'))
`;
    const env = { ...process.env, PYTHONPATH: pythonPath };
    const printed = execFileSync('python3', ['-c', script], { encoding: 'utf8', env });
    const [seconds = '', bytes = ''] = printed.trim().split('\n').at(-1)?.split(' ') ?? [];
    return { cpuSeconds: Number(seconds), bytes: Number(bytes) };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
