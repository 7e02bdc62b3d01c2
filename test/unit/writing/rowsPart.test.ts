/** A part file of rows spans checkpoints: what each of them holds can be finished by itself. */
import { describe, expect, test } from 'vitest';
import { crc64Of } from '../../../kernels/crc64.ts';
import { partId } from '../../../journal/ids.ts';
import { ParquetRows } from '../../../src/formats/parquet/rowEncoder.ts';
import { parseYamlSchema } from '../../../src/formats/parquet/yamlSchema.ts';
import type { OpenFile } from '../../../src/stores/port.ts';
import { FailureLatch } from '../../../src/system/concurrency.ts';
import { PartWriter, type PartCut } from '../../../src/writing/partWriter.ts';
import { rowsOf } from '../../../src/writing/rowsHandle.ts';
import { RunStats } from '../../../src/writing/runStats.ts';
import { WriteBuffers } from '../../../src/writing/writeBuffers.ts';
import { metadataOf, readRows, restoredFrom } from '../formats/parquet/files.ts';
import { recordOf } from '../formats/record.ts';

class MemoryFile implements OpenFile {
  bytes = Buffer.alloc(0);
  write = async (bytes: Uint8Array): Promise<void> => {
    this.bytes = Buffer.concat([this.bytes, bytes]);
  };
  persist = async (): Promise<null> => null;
  closeForCommit = async (): Promise<null> => null;
  abandon = async (): Promise<void> => undefined;
}

const MIB = 1024 * 1024;
const ROWS_A_CHECKPOINT = 100;

class Fixture {
  readonly file = new MemoryFile();
  readonly scratch = new MemoryFile();
  readonly buffers = new WriteBuffers();
  readonly writer: PartWriter;
  #rows = 0;

  constructor(rowGroupBytes: number, hasThreads: boolean) {
    const schema = parseYamlSchema({ id: 'long', name: 'string' });
    const options = { codec: 'zstd', rowGroupBytes, createdBy: 'test' } as const;
    const encoder = new ParquetRows({ schema, options, partition: null }, hasThreads).begin();
    const id = partId('0'.repeat(32));
    const target = { partId: id, finalUri: 'final', temporaryUri: 'temporary' };
    this.writer = new PartWriter({
      ...{ partId: id, bucket: '', target, file: this.file, rows: { encoder, scratch: this.scratch } },
      ...{ firstOffset: 0n, nowMs: 0, stats: new RunStats({ keepFiles: false }), latch: new FailureLatch() },
      buffers: this.buffers,
    });
    this.writer.isFullAt({ bytes: 128 * MIB, records: Infinity });
  }

  /** Appends rows; if a group ends, waits for it as the router does. */
  async append(count: number): Promise<void> {
    for (let row = 0; row < count; row += 1) {
      if (this.writer.takesNone) await this.writer.caughtUp();
      const value = JSON.stringify({ id: this.#rows, name: `name of ${this.#rows}` });
      expect(this.writer.appendRow(recordOf({ value: Buffer.from(value) }), 0n, this.#rows)).toBeNull();
      this.#rows += 1;
    }
  }

  /** The file as another process would finish it from what the cut has made durable. */
  async finishedFrom(cut: PartCut): Promise<Buffer> {
    const durable = await cut.durable;
    const rows = rowsOf(durable);
    const held = this.file.bytes.subarray(0, durable.length);
    expect(crc64Of(held)).toBe(durable.crc64);
    if (rows === null) return held;
    const log = this.scratch.bytes.subarray(0, rows.length);
    expect(crc64Of(log)).toBe(rows.crc64);
    const encoder = restoredFrom(log);
    expect(encoder.lengthBytes).toBe(durable.length);
    return Buffer.concat([held, ...encoder.endGroup(), encoder.footer()]);
  }
}

const idsOf = async (file: Buffer): Promise<bigint[]> =>
  ((await readRows(file)) as { readonly id: bigint }[]).map(({ id }) => id);

const idsBelow = (count: number): bigint[] => Array.from({ length: count }, (_, id) => BigInt(id));

describe.each([false, true])('a part file of rows (compressed in threads: %s)', (hasThreads) => {
  test('a slow topic: 60 checkpoints of 100 rows are one file with one row group', async () => {
    const scene = new Fixture(64 * MIB, hasThreads);
    const cuts: PartCut[] = [];
    for (let checkpoint = 0; checkpoint < 60; checkpoint += 1) {
      await scene.append(ROWS_A_CHECKPOINT);
      cuts.push(scene.writer.cut());
    }
    scene.writer.close('age', 0);
    const file = await scene.finishedFrom(scene.writer.cut());
    expect(await idsOf(file)).toEqual(idsBelow(6_000));
    expect(metadataOf(file).row_groups.map(({ num_rows: rows }) => Number(rows))).toEqual([6_000]);
    // Nothing of the checkpoints is in the file.
    expect((await cuts[59]?.durable)?.length).toBe(0);
    for (const at of [0, 1, 17, 59]) {
      const cut = cuts[at];
      if (cut === undefined) throw new Error('no cut');
      expect(await idsOf(await scene.finishedFrom(cut))).toEqual(idsBelow((at + 1) * ROWS_A_CHECKPOINT));
    }
  });

  test('groups end as they fill; each checkpoint holds them and the rows after them', async () => {
    const scene = new Fixture(3_000, hasThreads);
    const cuts: { readonly cut: PartCut; readonly rows: number }[] = [];
    for (let checkpoint = 1; checkpoint <= 30; checkpoint += 1) {
      await scene.append(29);
      cuts.push({ cut: scene.writer.cut(), rows: checkpoint * 29 });
    }
    scene.writer.close('size', 0);
    cuts.push({ cut: scene.writer.cut(), rows: 30 * 29 });
    for (const { cut, rows } of cuts) {
      expect(cut.records).toBe(rows);
      expect(await idsOf(await scene.finishedFrom(cut))).toEqual(idsBelow(rows));
    }
    expect(metadataOf(scene.file.bytes).row_groups.length).toBeGreaterThan(3);
    expect(scene.buffers.rowBytes).toBe(0);
  });

  test('short of memory, its rows become a group, and it stays open', async () => {
    const scene = new Fixture(64 * MIB, hasThreads);
    await scene.append(1_000);
    expect(scene.writer.relieve()).toBe(true);
    expect(scene.writer.takesNone).toBe(true);
    expect(() => scene.writer.appendRow(recordOf({ value: Buffer.from('{}') }), 0n, 1_000)).toThrow(
      'takes none now',
    );
    // A cut while the group ends holds all of it.
    const cut = scene.writer.cut();
    await scene.writer.caughtUp();
    expect(scene.writer.takesNone).toBe(false);
    expect(scene.writer.bufferBytes).toBeLessThan(16 * 1024);
    // Nothing is left to free: who is short of memory rolls the file.
    expect(scene.writer.relieve()).toBe(false);
    await scene.append(10);
    scene.writer.close('size', 0);
    const file = await scene.finishedFrom(scene.writer.cut());
    expect(metadataOf(file).row_groups.map(({ num_rows: rows }) => Number(rows))).toEqual([1_000, 10]);
    expect(await idsOf(await scene.finishedFrom(cut))).toEqual(idsBelow(1_000));
  });
});
