/** A compressed part file: what was made durable is a complete compressed file, also after a resumption. */
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc64Of } from '../../../kernels/crc64.ts';
import { reserve } from '../../../kernels/memory.ts';
import { partId } from '../../../journal/ids.ts';
import { codecKind, decompress, makeCodec } from '../../../src/formats/compression/codecs.ts';
import { FailureLatch } from '../../../src/system/concurrency.ts';
import type { OpenFile } from '../../../src/stores/port.ts';
import { PartWriter, type Inherited, type PartCut } from '../../../src/writing/partWriter.ts';
import { RunStats } from '../../../src/writing/runStats.ts';
import { BUFFER_BYTES_MAX, WriteBuffers } from '../../../src/writing/writeBuffers.ts';

const AREA = reserve(4 * BUFFER_BYTES_MAX);

class MemoryFile implements OpenFile {
  bytes = Buffer.alloc(0);
  write = async (bytes: Uint8Array): Promise<void> => {
    this.bytes = Buffer.concat([this.bytes, bytes]);
  };
  persist = async (): Promise<null> => null;
  closeForCommit = async (): Promise<null> => null;
  abandon = async (): Promise<void> => undefined;
}

class Fixture {
  readonly file: MemoryFile;
  readonly buffers = new WriteBuffers(AREA);
  readonly writer: PartWriter;
  #lines = 0;

  constructor(name: string, file = new MemoryFile(), inherited: Inherited | null = null) {
    this.file = file;
    const id = partId('0'.repeat(32));
    const target = { partId: id, finalUri: 'final', temporaryUri: 'temporary' };
    this.writer = new PartWriter({
      ...{
        partId: id,
        bucket: '',
        target,
        file,
        codec: makeCodec(name, codecKind(name).level.usual),
        inherited,
      },
      ...{ firstOffset: 0n, nowMs: 0, stats: new RunStats({ keepFiles: false }), latch: new FailureLatch() },
      buffers: this.buffers,
    });
  }

  append(line: string): void {
    const bytes = Buffer.from(line);
    this.writer.appendLine(bytes, 0, bytes.length, 0n, this.#lines++);
  }
}

/** The first bytes of the file, as many as are durable, hold exactly these lines. */
async function expectHeld(name: string, file: MemoryFile, cut: PartCut, text: string): Promise<void> {
  const durable = await cut.durable;
  const held = file.bytes.subarray(0, durable.length);
  expect(held.length).toBe(durable.length);
  expect(crc64Of(held)).toBe(durable.crc64);
  const lines: Uint8Array[] = [];
  for await (const piece of decompress(name, Readable.from([held]))) lines.push(piece);
  expect(Buffer.concat(lines).toString() === text).toBe(true);
}

const factsOf = async ({ records, firstOffset, lastOffset, durable }: PartCut): Promise<Inherited> => ({
  durable: { ...(await durable), records, firstOffset, lastOffset },
  ageMs: 0,
});

describe.each(['gzip', 'zstd'] as const)('a %s file', (name) => {
  const line = fc.tuple(fc.nat(9), fc.nat(9)).map(([word, count]) => `${word}`.repeat(count * count * 40));
  const step = fc.oneof({ weight: 8, arbitrary: line }, { weight: 1, arbitrary: fc.constant(null) });

  test('is complete at each cut, and holds all that was appended before it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 120 }).map((steps) => ['first', ...steps]),
        async (steps) => {
          const { writer, file, buffers, append } = bound(new Fixture(name));
          const cuts: { readonly cut: PartCut; readonly text: string }[] = [];
          let text = '';
          for (const one of steps) {
            if (one === null) cuts.push({ cut: writer.cut(), text });
            else {
              append(one);
              text += `${one}\n`;
            }
          }
          writer.close('size', 0);
          cuts.push({ cut: writer.cut(), text });
          for (const { cut, text: held } of cuts) {
            expect(cut.records).toBe(held.split('\n').length - 1);
            await expectHeld(name, file, cut, held);
          }
          expect(buffers.takenBytes).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('is continued by another process from its last cut', async () => {
    const first = new Fixture(name);
    first.append('one');
    first.append('two');
    const cut = first.writer.cut();
    const inherited = await factsOf(cut);
    first.append('in no checkpoint');
    first.writer.flush();
    await first.writer.drained();
    await first.writer.abandon();
    const file = new MemoryFile();
    file.bytes = Buffer.from(first.file.bytes.subarray(0, inherited.durable.length));
    const next = new Fixture(name, file, inherited);
    expect(next.writer.lengthBytes).toBe(inherited.durable.length);
    next.append('three');
    next.writer.close('size', 0);
    const last = next.writer.cut();
    expect(last.records).toBe(3);
    await expectHeld(name, file, last, 'one\ntwo\nthree\n');
  });

  test('has frames of about one MiB of lines, and a length that counts compressed bytes', async () => {
    const { writer, file, append } = bound(new Fixture(name));
    let appended = 0;
    const value = 'a line that compresses well, number ';
    while (appended < 5 * 1024 * 1024) {
      append(value + String(appended));
      appended += value.length + 8;
      if (writer.holdsUp) await writer.caughtUp();
    }
    await writer.drained();
    expect(file.bytes.length).toBeGreaterThan(0);
    expect(writer.lengthBytes).toBeGreaterThanOrEqual(file.bytes.length);
    expect(writer.lengthBytes).toBeLessThan(appended / 3);
    await writer.abandon();
  });
});

function bound(fixture: Fixture) {
  const { writer, file, buffers } = fixture;
  return { writer, file, buffers, append: (line: string) => fixture.append(line) };
}
