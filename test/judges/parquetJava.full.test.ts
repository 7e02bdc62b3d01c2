/** parquet-java reads our files: its command line each field but lists, its record assembly the lists. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { logToStderr } from '../../scripts/services/common.ts';
import { ensureParquetJava } from '../../scripts/services/download.ts';
import { runCommand } from '../../scripts/services/processes.ts';
import type { Codec } from '../../src/formats/parquet/compress.ts';
import { describeJudge, find } from './judge.ts';
import { lineOf, SCHEMA_FOR_JAVA, writeFile } from './parquetRows.ts';

const ROWS = 4_000;
const DAY_MS = 86_400_000;

interface Row {
  readonly id: string;
  readonly at: string;
  readonly day: string;
  readonly price: string;
  readonly small: string;
  readonly who: object;
  readonly local?: string;
  readonly time?: string;
  readonly tags?: unknown;
  readonly deep?: unknown;
  readonly uuid?: string;
}

/** As Avro's JSON writes the row: dates and times as numbers, the larger decimal as bytes. */
function expectedOf(line: string): unknown {
  const row = JSON.parse(line.replace(/"id":(-?\d+)/, '"id":"$1"')) as Row;
  const { uuid: _uuid, local, time, ...rest } = row;
  return {
    ...{ n: null, d: null, b: null, m: null },
    ...{ ...rest, tags: null, deep: null },
    at: Date.parse(row.at),
    day: Date.parse(row.day) / DAY_MS,
    local:
      local === undefined ? null : Date.parse(`${local.slice(0, -7)}Z`) * 1_000 + Number(local.slice(-6)),
    time: time === undefined ? null : 86_399_000_001,
    price: bytesOf(BigInt(row.price.replace('.', '')) * 1_000n),
    small: Number(row.small.replace('.', '')),
    who: { age: null, ...row.who },
  };
}

/** 13 bytes, big-endian, signed as in Java. */
function bytesOf(unscaled: bigint): readonly number[] {
  return Array.from({ length: 13 }, (_, at) => Number(BigInt.asIntN(8, unscaled >> BigInt(8 * (12 - at)))));
}

describeJudge(
  'parquet-java judges Parquet files',
  await find(() => ensureParquetJava(logToStderr)),
  (jars) => {
    test.each<Codec>(['zstd', 'snappy', 'gzip', 'none'])('with the codec %s', async (codec) => {
      const dir = mkdtempSync(path.join(tmpdir(), 'tidemark-parquet-'));
      onTestFinished(() => rmSync(dir, { recursive: true }));
      const lines = Array.from({ length: ROWS }, (_, index) => lineOf(index));
      const file = path.join(dir, 'rows.parquet');
      writeFileSync(file, writeFile(lines, codec, SCHEMA_FOR_JAVA));
      const java = async (...args: readonly string[]): Promise<readonly string[]> =>
        (await runCommand('java', ['-cp', jars, ...args])).stdout.trim().split('\n');

      const rows = await java('org.apache.parquet.cli.Main', 'cat', file);
      expect(rows).toHaveLength(ROWS);
      for (const [index, row] of rows.entries())
        expect(JSON.parse(row.replace(/"id": (-?\d+)/, '"id": "$1"'))).toEqual(
          expectedOf(lines[index] ?? ''),
        );

      const lists = await java(path.join(import.meta.dirname, 'ReadLists.java'), file);
      expect(lists).toEqual(
        lines.map((line) => {
          const { tags = null, deep = null } = JSON.parse(line) as {
            readonly tags?: unknown;
            readonly deep?: unknown;
          };
          return JSON.stringify([tags, deep]);
        }),
      );
    });
  },
);
