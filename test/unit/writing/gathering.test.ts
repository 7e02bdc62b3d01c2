/**
 * Many files in little memory: what they gather is written in pieces larger than their buffers, in order, and
 * all of it.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc64Of } from '../../../kernels/crc64.ts';
import { partId } from '../../../journal/ids.ts';
import { reserve } from '../../../kernels/memory.ts';
import { FailureLatch } from '../../../src/system/concurrency.ts';
import { PartWriter } from '../../../src/writing/partWriter.ts';
import { RunStats } from '../../../src/writing/runStats.ts';
import { BUFFER_BYTES_MAX, WriteBuffers } from '../../../src/writing/writeBuffers.ts';
import { BUFFER_BYTES_FIRST } from '../../../src/system/memoryBudget.ts';
import type { OpenFile } from '../../../src/stores/port.ts';

const AREA = reserve(4 * BUFFER_BYTES_MAX);

/** Copies what it is given when the write ends, as a disk would read it: buffers are used again only then. */
class SlowFile implements OpenFile {
  readonly pieces: Buffer[] = [];
  async write(bytes: Uint8Array): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.pieces.push(Buffer.from(bytes));
  }
  persist = async (): Promise<null> => null;
  closeForCommit = async (): Promise<null> => null;
  abandon = async (): Promise<void> => undefined;
}

interface One {
  readonly writer: PartWriter;
  readonly file: SlowFile;
  text: string;
}

function writersOf(count: number, buffers: WriteBuffers): One[] {
  const stats = new RunStats({ keepFiles: false });
  const latch = new FailureLatch();
  return Array.from({ length: count }, (_, number) => {
    const file = new SlowFile();
    const id = partId(number.toString(16).padStart(32, '0'));
    const target = { partId: id, finalUri: 'final', temporaryUri: 'temporary' };
    const names = { partId: id, bucket: String(number), target, file, firstOffset: 0n };
    return { writer: new PartWriter({ ...names, nowMs: 0, stats, latch, buffers }), file, text: '' };
  });
}

/** Appends a line to one after the other, and waits where the router would. */
async function appendInTurn(ones: readonly One[], lines: number, sizeOf: (line: number) => number) {
  for (let line = 0; line < lines; line += 1) {
    const one = ones[line % ones.length];
    if (one === undefined) return;
    const value = String(line).repeat(sizeOf(line)).slice(0, sizeOf(line));
    one.text += `${value}\n`;
    const bytes = Buffer.from(value);
    one.writer.appendLine(bytes, 0, bytes.length, 0n, line);
    while (one.writer.holdsUp) await one.writer.caughtUp();
  }
}

describe('files that share little memory', () => {
  test('write what they have gathered in few pieces', async () => {
    const buffers = new WriteBuffers(AREA);
    const ones = writersOf(64, buffers);
    await appendInTurn(ones, 64 * 2_000, () => 60);
    const pieces = ones.flatMap(({ file }) => file.pieces);
    const meanBytes = pieces.reduce((sum, { length }) => sum + length, 0) / pieces.length;
    // The area is 16 KiB for each; twice the mean share would be the best.
    expect(meanBytes).toBeGreaterThan(3 * BUFFER_BYTES_FIRST);
    expect(buffers.takenBytes).toBeLessThanOrEqual(AREA.length);
    await Promise.all(ones.map(({ writer }) => writer.abandon()));
    expect(buffers.takenBytes).toBe(0);
  });

  test('lose nothing and mix nothing up', async () => {
    const sizes = fc.array(fc.oneof(fc.nat({ max: 300 }), fc.integer({ min: 3_000, max: 12_000 })), {
      minLength: 1,
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 1, max: 90 }), async (lengths, files) => {
        const buffers = new WriteBuffers(AREA);
        const ones = writersOf(files, buffers);
        const sizeOf = (line: number): number => lengths[line % lengths.length] ?? 0;
        await appendInTurn(ones, 1_500, sizeOf);
        const cuts = ones.map(({ writer, text }) => ({ cut: writer.cut(), text }));
        await appendInTurn(ones, 500, sizeOf);
        for (const { writer } of ones) writer.close('size', 0);
        await Promise.all(ones.map(({ writer }) => writer.drained()));
        for (const { cut, text } of cuts) {
          const { length, crc64 } = await cut.durable;
          expect([length, crc64]).toEqual([text.length, crc64Of(Buffer.from(text))]);
        }
        for (const { writer, file, text } of ones) {
          expect(Buffer.concat(file.pieces).toString()).toBe(text);
          expect(writer.lengthBytes).toBe(text.length);
          await writer.abandon();
        }
        expect(buffers.takenBytes).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  test('make room for one another on its way; few files that gather nothing may have more there', () => {
    const buffers = new WriteBuffers(AREA);
    buffers.countWriting(buffers.take(BUFFER_BYTES_MAX).value.length);
    expect(buffers.isShort).toBe(false);
    const gatherer = { fullBuffers: 1, flush: () => undefined };
    buffers.gathered(gatherer, 0);
    expect(buffers.isShort).toBe(true);
    gatherer.fullBuffers = 0;
    buffers.gathered(gatherer, 1);
    expect(buffers.isShort).toBe(false);
  });
});
