/** Every format on the store: a process dies between checkpoints, the next one takes its files over. */
import { describe, expect, test } from 'vitest';
import type { Compression, Envelope } from '../../../src/config/jobConfig.ts';
import { formatId, type PartFormat } from '../../../src/formats/format.ts';
import { decompress } from '../../../src/formats/compression/codecs.ts';
import type { Content, FormatKind } from '../../../src/formats/kind.ts';
import { JSON_FORMAT } from '../../../src/formats/json/kind.ts';
import { PARQUET_FORMAT } from '../../../src/formats/parquet/kind.ts';
import { TEXT_FORMAT } from '../../../src/formats/text/kind.ts';
import type { Failpoints } from '../../../src/system/failpoints.ts';
import { Crash } from '../../scenarios/crash.ts';
import { JobFixture } from '../../scenarios/jobFixture.ts';
import { MemorySource, type MemoryRecord } from '../../scenarios/memorySource.ts';
import { serve, until } from '../../scenarios/service.ts';
import { readRows } from '../../unit/formats/parquet/files.ts';
import type { StoreHarness } from './scene.ts';
import type { Current } from './suite.ts';

const CHECKPOINTED = 20;
const IN_NO_CHECKPOINT = 10;
const RECORDS = 40;
const SCHEMA = { form: 'short', text: JSON.stringify({ id: 'long', name: 'string' }) } as const;

interface Case {
  readonly kind: FormatKind;
  readonly envelope: Envelope;
  readonly compression: string;
  readonly hasSchema?: boolean;
}

const OF_LINES: readonly Case[] = ['none', 'gzip', 'zstd'].flatMap((compression) => [
  { kind: TEXT_FORMAT, envelope: 'value', compression },
  { kind: JSON_FORMAT, envelope: 'value', compression },
  { kind: JSON_FORMAT, envelope: 'record', compression },
]);
const OF_ROWS: readonly Case[] = ['none', 'snappy', 'gzip', 'zstd'].flatMap((compression) => [
  { kind: PARQUET_FORMAT, envelope: 'value', compression, hasSchema: true },
  { kind: PARQUET_FORMAT, envelope: 'record', compression },
]);
const CASES = [...OF_LINES, ...OF_ROWS].map((one) => ({
  ...one,
  name: `${one.kind.name}, ${one.envelope}, ${one.compression}`,
}));

function formatOf({ kind, envelope, compression: codec, hasSchema = false }: Case): PartFormat {
  const compression: Compression | null = codec === 'none' ? null : { codec, level: null };
  const content: Content = {
    ...{ envelope, compression, keyDecode: 'bytes', valueDecode: 'string', lineFeeds: 'bad' },
    ...{ schema: hasSchema ? SCHEMA : null, settings: kind.toSettings({}) },
  };
  const made = kind.codecOf(compression);
  return {
    ...{ id: formatId(kind.id(content), made), codec: made, tombstones: 'skip' },
    recordsOf: (partition) => kind.recordsOf(partition, content),
  };
}

const record = (id: number): MemoryRecord => ({
  value: JSON.stringify({ id, name: `name ${id}` }),
  timestampMs: 1_767_225_600_000 + id,
});
const records = (from: number, to: number): MemoryRecord[] =>
  Array.from({ length: to - from }, (_, index) => record(from + index));

/** Written to the file but not durable, durable but not journaled, journaled but not published. */
const CRASHES = [
  { point: 'store.write', side: 'after' },
  { point: 'store.persist', side: 'after' },
  { point: 'journal.append', side: 'after' },
] as const;

async function idsIn(bytes: Buffer, { kind, envelope, compression }: Case): Promise<number[]> {
  if (kind === PARQUET_FORMAT) return (await readRows(bytes)).map((row) => idOf(row, envelope));
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield bytes;
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of compression === 'none' ? whole() : decompress(compression, whole()))
    chunks.push(chunk);
  const lines = Buffer.concat(chunks).toString().split('\n').slice(0, -1);
  return lines.map((line) => idOf(JSON.parse(line), envelope));
}

/** Of the record's value, which is text in a whole record. */
function idOf(parsed: unknown, envelope: Envelope): number {
  const { value, id } = parsed as { readonly value: string; readonly id: number | bigint };
  if (envelope === 'value') return Number(id);
  return (JSON.parse(value) as { readonly id: number }).id;
}

async function expectOnce(h: StoreHarness, one: Case): Promise<void> {
  const files = [...(await h.readers()).values()];
  const ids = (await Promise.all(files.map((bytes) => idsIn(bytes, one)))).flat();
  expect(ids.toSorted((a, b) => a - b)).toEqual(Array.from({ length: RECORDS }, (_, id) => id));
}

export function describeFormats(current: Current): void {
  describe('a file of every format, taken over between two checkpoints', () => {
    const cases = CASES.flatMap((one) => CRASHES.map((at) => ({ ...one, at })));
    test.each(cases)('$name, $at.point $at.side', async ({ at, ...one }) => {
      const h = current();
      const job = new JobFixture();
      const source = new MemorySource(1);
      const naming = { sinkUri: h.sinkUri, prefix: 'part', suffix: '', entropy: null };
      const options = { source, naming, format: formatOf(one) };
      source.append(0, ...records(0, CHECKPOINTED));
      const crash = new Crash(at.point, at.side, 1);
      let isArmed = false;
      const failpoints: Failpoints = {
        hit: (...passed) => (isArmed ? crash.hit(...passed) : undefined),
      };
      const first = serve(job, { ...options, store: h.newStore(), failpoints });
      await until(() => source.commits.some(({ nextOffset }) => nextOffset === BigInt(CHECKPOINTED)));
      isArmed = true;
      source.append(0, ...records(CHECKPOINTED, CHECKPOINTED + IN_NO_CHECKPOINT));
      await crash.crashed;
      source.append(0, ...records(CHECKPOINTED + IN_NO_CHECKPOINT, RECORDS));
      const next = job.coordinator({ ...options, store: h.newStore(), untilEnd: true });
      const { stopped } = await next.run(new AbortController().signal);
      expect(stopped).toEqual([]);
      void first.stop();
      await expectOnce(h, one);
      expect((await h.leftovers()).filter((name) => !name.includes('.tidemark/_'))).toEqual([]);
    });
  });
}
