/** The life of a part writer, and whose its buffers are meanwhile. */
import { describe, expect, test } from 'vitest';
import { partId } from '../../../journal/ids.ts';
import { reserve } from '../../../kernels/memory.ts';
import { RouteTable } from '../../../kernels/routeTable.ts';
import { FailureLatch } from '../../../src/system/concurrency.ts';
import { PartWriter } from '../../../src/writing/partWriter.ts';
import { RunStats } from '../../../src/writing/runStats.ts';
import { BUFFER_BYTES_MAX, WriteBuffers } from '../../../src/writing/writeBuffers.ts';
import { BUFFER_BYTES_FIRST } from '../../../src/system/memoryBudget.ts';
import type { OpenFile } from '../../../src/stores/port.ts';

const AREA = reserve(2 * BUFFER_BYTES_MAX);
const INTERNAL = expect.objectContaining({ code: 'INTERNAL' }) as Error;

class Scene {
  readonly stats = new RunStats({ keepFiles: false });
  readonly latch = new FailureLatch();
  readonly buffers = new WriteBuffers(AREA);
  readonly calls: string[] = [];
  readonly writer: PartWriter;
  #lines = 0;

  /** @param write what the file does with bytes. */
  constructor(write: () => Promise<void> = () => Promise.resolve()) {
    const call = async (name: string): Promise<null> => {
      this.calls.push(name);
      if (name === 'write') await write();
      return Promise.resolve(null);
    };
    const file: OpenFile = {
      write: () => call('write').then(() => undefined),
      persist: () => call('persist'),
      closeForCommit: () => call('close'),
      abandon: () => call('abandon').then(() => undefined),
    };
    const id = partId('0'.repeat(32));
    const target = { partId: id, finalUri: 'final', temporaryUri: 'temporary' };
    const names = { partId: id, bucket: '', target, file, firstOffset: 0n, nowMs: 0 };
    this.writer = new PartWriter({ ...names, stats: this.stats, latch: this.latch, buffers: this.buffers });
  }

  append(text: string): void {
    this.writer.appendLine(Buffer.from(text), 0, text.length, 0n, this.#lines++);
  }
}

describe('a part writer', () => {
  test('that is rolled takes no record, and keeps what it says of itself', async () => {
    const scene = new Scene();
    scene.append('one');
    scene.append('three');
    scene.writer.close('size', 5);
    scene.writer.close('idle', 6);
    expect(() => scene.append('late')).toThrow(INTERNAL);
    const { records, lastOffset, roll, durable } = scene.writer.cut();
    expect([records, lastOffset, roll]).toEqual([2, 1n, { reason: 'size', atMs: 5 }]);
    expect((await durable).length).toBe(10);
    expect(scene.calls).toEqual(['write', 'close']);
    expect(scene.buffers.takenBytes).toBe(0);
    expect([scene.stats.heldFiles, scene.stats.openFiles]).toEqual([0, 1]);
    scene.writer.release();
    expect(scene.stats.openFiles).toBe(0);
  });

  test('that is gone is neither cut, rolled nor released again', async () => {
    const scene = new Scene();
    scene.append('one');
    await scene.writer.abandon();
    expect(() => scene.append('late')).toThrow(INTERNAL);
    expect(() => scene.writer.cut()).toThrow(INTERNAL);
    expect(() => scene.writer.close('size', 0)).toThrow(INTERNAL);
    expect(() => scene.writer.release()).toThrow(INTERNAL);
    expect(scene.calls).toEqual(['abandon']);
    expect([scene.stats.heldFiles, scene.stats.openFiles, scene.buffers.takenBytes]).toEqual([0, 0, 0]);
  });

  test('is not rolled while a route leads to it', () => {
    const scene = new Scene();
    const routes = new RouteTable();
    scene.append('one');
    routes.set(0, scene.writer.fill);
    expect(() => scene.writer.close('size', 0)).toThrow(RangeError);
    routes.remove(0);
  });
});

describe('a write buffer', () => {
  test('is given back when it is written, not before', async () => {
    const written = Promise.withResolvers<undefined>();
    const scene = new Scene(() => written.promise);
    scene.append('one');
    scene.writer.flush();
    await new Promise((resolve) => setImmediate(resolve));
    expect([scene.calls, scene.buffers.takenBytes]).toEqual([['write'], BUFFER_BYTES_FIRST]);
    written.resolve(undefined);
    await scene.writer.drained();
    expect(scene.buffers.takenBytes).toBe(0);
  });

  test('of a write that failed may be read until its file is released', async () => {
    const scene = new Scene(() => Promise.reject(new Error('no space')));
    scene.append('one');
    scene.writer.flush();
    await scene.writer.drained();
    expect(scene.latch.failure?.message).toContain('no space');
    scene.append('two');
    scene.writer.flush();
    await scene.writer.drained();
    expect([scene.calls, scene.buffers.takenBytes]).toEqual([['write'], 2 * BUFFER_BYTES_FIRST]);
    await scene.writer.abandon();
    expect([scene.calls, scene.buffers.takenBytes]).toEqual([['write', 'abandon'], 0]);
  });
});
