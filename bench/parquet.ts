/**
 * `npx node bench/parquet.ts [ROWS] [CODEC]`: megabytes of JSON per CPU second into Parquet, by the encoder, and
 * by DuckDB on one thread where TIDEMARK_DUCKDB_PYTHON names a Python that has it.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Codec } from '../src/formats/parquet/compress.ts';
import { ParquetEncoder } from '../src/formats/parquet/encoder.ts';
import { parseYamlSchema } from '../src/formats/parquet/yamlSchema.ts';
import { makeRows, SCHEMA } from './parquet/rows.ts';

const ROW_GROUP_ROWS = 100_000;
const LINE_FEED = 10;
/** The best one counts: the first ones compile, and others may share the processor. */
const ROUNDS = 7;

const rowCount = Number(process.argv[2] ?? '1000000');
const codec = (process.argv[3] ?? 'zstd') as Codec;

interface Measured {
  readonly what: string;
  readonly cpuSeconds: number;
  readonly bytes: number;
}

function encode(json: Buffer): { readonly file: Buffer; readonly unusualValues: number } {
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

function measureOwn(json: Buffer): Measured {
  const before = process.cpuUsage();
  const { file, unusualValues } = encode(json);
  const { user, system } = process.cpuUsage(before);
  return {
    what: `encoder (${unusualValues} unusual values)`,
    cpuSeconds: (user + system) / 1e6,
    bytes: file.length,
  };
}

/** The time of the query alone, without the start of Python. */
function measureDuckDb(python: string, json: Buffer): Measured {
  const dir = mkdtempSync(path.join(tmpdir(), 'tidemark-parquet-'));
  try {
    const input = path.join(dir, 'rows.json');
    const output = path.join(dir, 'rows.parquet');
    writeFileSync(input, json);
    const columns = `{id: 'BIGINT', time: 'BIGINT', amount: 'DOUBLE', active: 'BOOLEAN', user: 'VARCHAR',
      country: 'VARCHAR', page: 'VARCHAR', session: 'VARCHAR'}`;
    const options = `FORMAT parquet, CODEC ${codec === 'none' ? 'uncompressed' : codec}, ROW_GROUP_SIZE ${ROW_GROUP_ROWS}`;
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
    const printed = execFileSync(python, ['-c', script], { encoding: 'utf8' });
    const [seconds = '', bytes = ''] = printed.trim().split('\n').at(-1)?.split(' ') ?? [];
    return { what: 'DuckDB', cpuSeconds: Number(seconds), bytes: Number(bytes) };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const json = makeRows(rowCount);
const megabytes = json.length / 1e6;
console.log(`${rowCount} records, ${megabytes.toFixed(0)} MB, ${codec}`);
const python = process.env['TIDEMARK_DUCKDB_PYTHON'];
const best = new Map<string, Measured>();
for (let round = 0; round < ROUNDS; round += 1) {
  const results = [measureOwn(json), ...(python === undefined ? [] : [measureDuckDb(python, json)])];
  for (const result of results) {
    const known = best.get(result.what);
    if (known === undefined || result.cpuSeconds < known.cpuSeconds) best.set(result.what, result);
  }
}
for (const { what, cpuSeconds, bytes } of best.values()) {
  const speed = (megabytes / cpuSeconds).toFixed(0);
  const size = (bytes / 1e6).toFixed(1);
  console.log(`${what}: ${speed} MB per CPU second, best of ${ROUNDS}; the file has ${size} MB`);
}
