import { pipeline, Readable } from 'node:stream';
import { createGunzip, gzip, type ZlibOptions } from 'node:zlib';
import { promisify } from 'node:util';
import { OUTPUT_CHUNK_BYTES, type CodecKind } from './codec.ts';

const gzipped = promisify<Uint8Array, ZlibOptions, Buffer>(gzip);

export const GZIP: CodecKind = {
  name: 'gzip',
  description: 'read by everything; slower, and larger than zstd.',
  suffix: '.gz',
  level: { least: 1, most: 9, usual: 6 },
  compressor: (level) => (bytes) => gzipped(bytes, { level, chunkSize: OUTPUT_CHUNK_BYTES }),
  decompress: async function* (chunks) {
    const gunzip = createGunzip();
    // A failure, of the chunks too, ends the iteration below.
    pipeline(Readable.from(copiesOf(chunks)), gunzip, () => undefined);
    yield* gunzip as AsyncIterable<Buffer>;
  },
};

/** The stream asks for the next chunk while zlib's thread still reads this one. */
async function* copiesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) yield Buffer.from(chunk);
}
