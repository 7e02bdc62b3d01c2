/** Encodes a column of a row group: its dictionary page, if that pays, and its data pages (version 1). */
import { crc32 } from 'node:zlib';
import type { Column } from './column.ts';
import { PHYSICAL } from './columnShape.ts';
import { Dictionary, sizeAt } from './dictionary.ts';
import { GrowingBytes } from './growingBytes.ts';
import { bitsFor, writeHybrid } from './hybrid.ts';
import { type ChunkFacts, ENCODING, pageHeader } from './metadata.ts';
import { statisticsOf } from './statistics.ts';

export interface PageOptions {
  readonly codecNumber: number;
  readonly pageBytes: number;
}

/** Asks whoever takes the bytes of a chunk for these bytes, compressed, as what `next` is given. */
export class ToCompress {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

export type PageSteps<Result> = Generator<Uint8Array | ToCompress, Result, Uint8Array>;

/** Where a page ends, and the next one begins. */
interface Cut {
  readonly entry: number;
  readonly value: number;
  readonly byte: number;
}
const START: Cut = { entry: 0, value: 0, byte: 0 };

export class PageWriter {
  readonly #options: PageOptions;
  #dictionary = new Dictionary();
  #body = new GrowingBytes();
  #levels = new GrowingBytes();
  #offset = 0;
  #uncompressedBytes = 0;

  constructor(options: PageOptions) {
    this.#options = options;
  }

  /** Gives the memory back that chunks have needed. */
  release(): void {
    this.#dictionary = new Dictionary();
    this.#body = new GrowingBytes();
    this.#levels = new GrowingBytes();
  }

  /**
   * Yields the bytes of the chunk, one page or header after the other; they are the caller's. What is to be
   * compressed stays as it is until it was. Returns what the metadata says of the chunk.
   * @param offset where in the file the chunk begins.
   */
  *chunk(column: Column, offset: number): PageSteps<ChunkFacts> {
    this.#offset = offset;
    this.#uncompressedBytes = 0;
    const dictionary = this.#dictionary.fill(column) ? this.#dictionary : null;
    const statistics = statisticsOf(column, dictionary === null ? null : dictionary.values);
    if (dictionary !== null) {
      yield* this.#page(dictionary.values.written(), { type: 'dictionary', values: dictionary.count });
    }
    const dataOffset = this.#offset;
    let pages = 0;
    for (let from = START; from.entry < column.entries; pages += 1) {
      const to = this.#cutAfter(column, from, dictionary);
      const encoding = dictionary === null ? ENCODING.plain : ENCODING.dictionary;
      yield* this.#page(this.#data(column, from, to, dictionary), {
        ...{ type: 'data', values: to.entry - from.entry, encoding },
      });
      from = to;
    }
    return {
      ...{ shape: column.shape, entries: column.entries, statistics, pages, dataOffset },
      codecNumber: this.#options.codecNumber,
      uncompressedBytes: this.#uncompressedBytes,
      compressedBytes: this.#offset - offset,
      dictionaryOffset: dictionary === null ? undefined : offset,
    };
  }

  *#page(body: Uint8Array, page: Parameters<typeof pageHeader>[0]): PageSteps<void> {
    const packed = yield new ToCompress(body);
    const header = pageHeader(page, {
      uncompressedBytes: body.length,
      compressedBytes: packed.length,
      crc: crc32(packed) | 0,
    });
    this.#offset += header.length + packed.length;
    this.#uncompressedBytes += header.length + body.length;
    yield header;
    // Memory that is used again for the next page or row group is not given away.
    yield packed === body ? Uint8Array.from(packed) : packed;
  }

  /** Levels and values of one page. Lent, until the next page. */
  #data(column: Column, from: Cut, to: Cut, dictionary: Dictionary | null): Uint8Array {
    const { maxDef, maxRep, shape } = column;
    const isBare = maxDef === 0 && dictionary === null && shape.physical !== PHYSICAL.boolean;
    if (isBare) return column.bytes.subarray(from.byte, to.byte);
    const body = this.#body;
    body.clear();
    if (maxRep > 0) this.#addLevels(column.reps, from, to, maxRep);
    if (maxDef > 0) this.#addLevels(column.defs, from, to, maxDef);
    if (dictionary !== null) {
      const bits = indexBits(dictionary);
      body.byte(bits);
      writeHybrid(body, dictionary.indices, from.value, to.value, bits);
    } else if (shape.physical === PHYSICAL.boolean) {
      addBits(body, column.bytes, from.value, to.value);
    } else {
      body.add(column.bytes.subarray(from.byte, to.byte));
    }
    return body.written();
  }

  #addLevels(levels: Uint8Array, from: Cut, to: Cut, most: number): void {
    this.#levels.clear();
    writeHybrid(this.#levels, levels, from.entry, to.entry, bitsFor(most));
    this.#body.uint32(this.#levels.length);
    this.#body.add(this.#levels.written());
  }

  /** The end of the page: between two rows, and as soon as it has its size. */
  #cutAfter(column: Column, from: Cut, dictionary: Dictionary | null): Cut {
    const { maxDef, maxRep, defs, reps, entries, bytes } = column;
    const { widthBytes, physical } = column.shape;
    const bitsPerValue =
      dictionary !== null ? indexBits(dictionary) : physical === PHYSICAL.boolean ? 1 : 8 * widthBytes;
    const levelBits = (maxDef > 0 ? 1 : 0) + (maxRep > 0 ? 1 : 0);
    const most = this.#options.pageBytes * 8;
    if (maxRep === 0 && column.values === entries && bitsPerValue > 0) {
      // No nulls, and all values are as long. Where each has its own length, nobody asks for bytes.
      const added = Math.min(entries - from.entry, Math.ceil(most / (levelBits + bitsPerValue)));
      return { entry: from.entry + added, value: from.value + added, byte: from.byte + added * widthBytes };
    }
    let { entry, value, byte } = from;
    for (let bits = 0; entry < entries && (bits < most || (maxRep > 0 && reps[entry] !== 0)); entry += 1) {
      bits += levelBits;
      if (maxDef > 0 && defs[entry] !== maxDef) continue;
      const size = widthBytes === 0 ? 4 + sizeAt(bytes, byte) : widthBytes;
      bits += bitsPerValue === 0 ? 8 * size : bitsPerValue;
      byte += size;
      value += 1;
    }
    return { entry, value, byte };
  }
}

const indexBits = ({ count }: Dictionary): number => Math.max(1, bitsFor(count - 1));

function addBits(body: GrowingBytes, flags: Uint8Array, from: number, to: number): void {
  for (let at = from; at < to; at += 8) {
    let bits = 0;
    for (let index = 0; index < 8 && at + index < to; index += 1) bits |= (flags[at + index] ?? 0) << index;
    body.byte(bits);
  }
}
