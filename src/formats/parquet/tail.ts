/**
 * The rows that are not in a row group yet, as bytes that a later process appends again: the columns as they
 * are, compressed. Each piece holds the rows of a span, so that a checkpoint can write just the new ones.
 *
 * A piece: `TMT1`, the schema's digest, the number of rows (uint32), a zstd frame. In the frame there are,
 * for each column, its counts (varints: entries, values, bytes), and then, for each again, its definition
 * levels, repetition levels and values.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { OUTPUT_CHUNK_BYTES } from '../compression/codec.ts';
import type { Column, ColumnMark } from './column.ts';
import { sizeAt } from './dictionary.ts';
import { GrowingBytes } from './growingBytes.ts';
import { rowsDamaged } from './rowsDamaged.ts';

const MAGIC = Buffer.from('TMT1');
/** It is read once, if ever, and the checkpoint waits for it. */
const FAST = { [constants.ZSTD_c_compressionLevel]: 1 };
const DIGEST_BYTES = 16;
const BEGINNING: ColumnMark = { usedBytes: 0, values: 0, entries: 0 };
const HEADER_BYTES = MAGIC.length + DIGEST_BYTES + 4;

/** How far the rows were that have not been in a row group. Worth nothing once a row group has ended. */
export interface TailMark {
  readonly rowGroups: number;
  readonly rows: number;
  readonly columns: readonly ColumnMark[];
}

/** @param since per column; undefined for all rows. @param digest of the schema, hexadecimal. */
export function tailPiece(
  columns: readonly Column[],
  rows: number,
  since: TailMark | undefined,
  digest: string,
): Buffer {
  const body = new GrowingBytes();
  for (const [index, column] of columns.entries()) {
    const from = since?.columns[index] ?? BEGINNING;
    body.varint(column.entries - from.entries);
    body.varint(column.values - from.values);
    body.varint(column.used - from.usedBytes);
  }
  for (const [index, column] of columns.entries()) {
    const from = since?.columns[index] ?? BEGINNING;
    if (column.maxDef > 0) body.add(column.defs.subarray(from.entries, column.entries));
    if (column.maxRep > 0) body.add(column.reps.subarray(from.entries, column.entries));
    body.add(column.bytes.subarray(from.usedBytes, column.used));
  }
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.write(digest, MAGIC.length, DIGEST_BYTES, 'hex');
  header.writeUInt32LE(rows - (since?.rows ?? 0), HEADER_BYTES - 4);
  const frame = zstdCompressSync(body.written(), {
    ...{ pledgedSrcSize: body.length, chunkSize: OUTPUT_CHUNK_BYTES, params: FAST },
  });
  return Buffer.concat([header, frame]);
}

/**
 * Appends the rows of a piece, and returns how many. Throws STORE_CONTENT_DIFFERS if it is none of this
 * schema's.
 */
export function appendTailPiece(columns: readonly Column[], piece: Uint8Array, digest: string): number {
  const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw rowsDamaged('begin as this version does not know it');
  }
  if (bytes.toString('hex', MAGIC.length, MAGIC.length + DIGEST_BYTES) !== digest) {
    throw rowsDamaged('belong to another schema');
  }
  const rows = bytes.readUInt32LE(HEADER_BYTES - 4);
  const body = new PieceBody(unpacked(bytes.subarray(HEADER_BYTES)));
  const counts = columns.map(() => ({
    entries: body.varint(),
    values: body.varint(),
    usedBytes: body.varint(),
  }));
  const spans = columns.map((column, index) => {
    const { entries, values, usedBytes } = counts[index] ?? { entries: 0, values: 0, usedBytes: 0 };
    const defs = body.take(column.maxDef > 0 ? entries : 0);
    const reps = body.take(column.maxRep > 0 ? entries : 0);
    const span = { entries, values, defs, reps, bytes: body.take(usedBytes) };
    if (!isConsistent(column, span, rows)) throw rowsDamaged('do not fit together');
    return span;
  });
  body.expectEnd();
  for (const [index, column] of columns.entries()) {
    const span = spans[index];
    if (span !== undefined) column.addSpan(span);
  }
  return rows;
}

/** Entries of a column, one after the other. */
export interface ColumnSpan {
  readonly entries: number;
  readonly values: number;
  readonly defs: Uint8Array;
  readonly reps: Uint8Array;
  readonly bytes: Uint8Array;
}

/** Whether the counts are those of the levels and values, so that no page can come out torn. */
function isConsistent({ maxDef, maxRep, shape }: Column, span: ColumnSpan, rows: number): boolean {
  const { entries, values, defs, reps, bytes } = span;
  const rowsHere = maxRep > 0 ? countOf(reps, 0) : entries;
  const valuesHere = maxDef > 0 ? countOf(defs, maxDef) : entries;
  if (rowsHere !== rows || valuesHere !== values) return false;
  if (shape.widthBytes > 0) return bytes.length === values * shape.widthBytes;
  let found = 0;
  let at = 0;
  for (; at + 4 <= bytes.length; found += 1) at += 4 + sizeAt(bytes, at);
  return at === bytes.length && found === values;
}

function countOf(levels: Uint8Array, wanted: number): number {
  let count = 0;
  for (const level of levels) if (level === wanted) count += 1;
  return count;
}

function unpacked(frame: Uint8Array): Buffer {
  try {
    return zstdDecompressSync(frame);
  } catch (cause) {
    throw rowsDamaged('cannot be decompressed', cause);
  }
}

class PieceBody {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 35; factor *= 128) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) break;
      this.#at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw rowsDamaged('are cut off');
  }

  take(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw rowsDamaged('are cut off');
    const taken = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return taken;
  }

  expectEnd(): void {
    if (this.#at !== this.#bytes.length) throw rowsDamaged('go on after their end');
  }
}
