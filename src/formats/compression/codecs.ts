/** The codecs of files of lines. */
import type { Codec, CodecKind } from './codec.ts';
import { GZIP } from './gzip.ts';
import { ZSTD } from './zstd.ts';

export const CODECS: readonly CodecKind[] = [ZSTD, GZIP];

/** Throws TypeError for another name. */
export function codecKind(name: string): CodecKind {
  const kind = CODECS.find((one) => one.name === name);
  if (kind === undefined) throw new TypeError(`There is no codec "${name}".`);
  return kind;
}

/** @param level null for the usual one. */
export function makeCodec(name: string, level: number | null): Codec {
  const kind = codecKind(name);
  return { name: kind.name, suffix: kind.suffix, compress: kind.compressor(level ?? kind.level.usual) };
}

/** The bytes before compression. Rejects with an Error if the file is not whole frames of the codec. */
export function decompress(codec: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  return codecKind(codec).decompress(chunks);
}
