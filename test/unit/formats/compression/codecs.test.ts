/** Compressed files are read back as one, in whatever pieces their bytes come. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codecKind, decompress, makeCodec } from '../../../../src/formats/compression/codecs.ts';

async function fileOf(name: string, level: number, frames: readonly string[]): Promise<Buffer> {
  const codec = makeCodec(name, level);
  return Buffer.concat(await Promise.all(frames.map((frame) => codec.compress(Buffer.from(frame)))));
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** As stores read files: each chunk is valid until the next one is asked for. */
async function* inOneBuffer(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  const chunk = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size)
    yield chunk.subarray(0, bytes.copy(chunk, 0, at, at + size));
}

async function read(name: string, chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of decompress(name, chunks)) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

describe.each(['gzip', 'zstd'] as const)('a %s file', (name) => {
  const { least, most } = codecKind(name).level;
  const frame = fc
    .tuple(fc.string({ minLength: 1, maxLength: 30 }), fc.constantFrom(1, 3, 1_000, 40_000))
    .map(([text, times]) => text.repeat(times));

  test('is all its frames', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(frame, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 50_000 }),
        fc.integer({ min: least, max: Math.min(most, 9) }),
        async (frames, size, level) => {
          const file = await fileOf(name, level, frames);
          expect((await read(name, inPieces(file, size))) === frames.join('')).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('is read though its chunks are all in one buffer', async () => {
    const text = randomBytes(300_000).toString('base64');
    const file = await fileOf(name, least, [text, text]);
    expect((await read(name, inOneBuffer(file, 50_000))) === text + text).toBe(true);
  });

  test('that is cut off, or goes on with something else, is an error', async () => {
    const file = await fileOf(name, least, ['one\n', 'two\n'.repeat(5_000)]);
    await expect(read(name, inPieces(file.subarray(0, -1), 7))).rejects.toThrow();
    const changed = Buffer.from(file);
    changed[file.length - 2] = (changed[file.length - 2] ?? 0) ^ 1;
    await expect(read(name, inPieces(changed, 1_000))).rejects.toThrow();
  });
});
