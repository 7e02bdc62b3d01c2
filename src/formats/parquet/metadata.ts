/** The metadata of pages, row groups and files. */
import type { ColumnShape } from './columnShape.ts';
import type { Statistics } from './statistics.ts';
import { ThriftWriter } from './thrift.ts';

export const MAGIC = Buffer.from('PAR1');

/** Numbers of encodings. */
export const ENCODING = { plain: 0, rle: 3, dictionary: 8 } as const;
const PAGE_TYPE = { data: 0, dictionary: 2 } as const;
/** The version that says nothing of newer features: every reader takes it. */
const FORMAT_VERSION = 1;

export type PageKind =
  | { readonly type: 'data'; readonly values: number; readonly encoding: number }
  | { readonly type: 'dictionary'; readonly values: number };

interface PageSizes {
  readonly uncompressedBytes: number;
  readonly compressedBytes: number;
  /** Of the bytes after the header, signed. */
  readonly crc: number;
}

export function pageHeader(page: PageKind, { uncompressedBytes, compressedBytes, crc }: PageSizes): Buffer {
  const writer = new ThriftWriter()
    .i32(1, PAGE_TYPE[page.type])
    .i32(2, uncompressedBytes)
    .i32(3, compressedBytes)
    .i32(4, crc);
  if (page.type === 'dictionary') {
    writer.struct(7, (header) => header.i32(1, page.values).i32(2, ENCODING.plain));
  } else {
    writer.struct(5, (header) =>
      header.i32(1, page.values).i32(2, page.encoding).i32(3, ENCODING.rle).i32(4, ENCODING.rle),
    );
  }
  return writer.end();
}

/** What the metadata says of a column in a row group. */
export interface ChunkFacts {
  readonly shape: ColumnShape;
  readonly codecNumber: number;
  readonly entries: number;
  readonly statistics: Statistics;
  /** Data pages. */
  readonly pages: number;
  readonly dataOffset: number;
  readonly dictionaryOffset: number | undefined;
  /** With the headers of the pages. */
  readonly uncompressedBytes: number;
  readonly compressedBytes: number;
}

/** A row group as a Thrift struct. It holds absolute offsets, and so belongs to one file. */
export function rowGroup(chunks: readonly ChunkFacts[], rows: number, offset: number): Buffer {
  const sum = (of: (chunk: ChunkFacts) => number): number =>
    chunks.reduce((total, chunk) => total + of(chunk), 0);
  const writer = new ThriftWriter().list(1, 'struct', chunks.length);
  for (const chunk of chunks) writer.structValue((columnChunk) => writeChunk(columnChunk, chunk));
  return writer
    .i64(
      2,
      sum(({ uncompressedBytes }) => uncompressedBytes),
    )
    .i64(3, rows)
    .i64(5, offset)
    .i64(
      6,
      sum(({ compressedBytes }) => compressedBytes),
    )
    .end();
}

function writeChunk(writer: ThriftWriter, chunk: ChunkFacts): void {
  const { shape, dictionaryOffset } = chunk;
  const hasDictionary = dictionaryOffset !== undefined;
  const encodings = hasDictionary
    ? [ENCODING.plain, ENCODING.rle, ENCODING.dictionary]
    : [ENCODING.plain, ENCODING.rle];
  writer.i64(2, dictionaryOffset ?? chunk.dataOffset).struct(3, (facts) => {
    facts.i32(1, shape.physical).list(2, 'i32', encodings.length);
    for (const encoding of encodings) facts.i32Value(encoding);
    facts.list(3, 'binary', shape.path.length);
    for (const step of shape.path) facts.binaryValue(step);
    facts.i32(4, chunk.codecNumber).i64(5, chunk.entries);
    facts.i64(6, chunk.uncompressedBytes).i64(7, chunk.compressedBytes).i64(9, chunk.dataOffset);
    facts.i64(11, dictionaryOffset);
    facts.struct(12, (statistics) => writeStatistics(statistics, chunk.statistics));
    facts.list(13, 'struct', hasDictionary ? 2 : 1);
    if (hasDictionary)
      facts.structValue((page) => page.i32(1, PAGE_TYPE.dictionary).i32(2, ENCODING.plain).i32(3, 1));
    const encoding = hasDictionary ? ENCODING.dictionary : ENCODING.plain;
    facts.structValue((page) => page.i32(1, PAGE_TYPE.data).i32(2, encoding).i32(3, chunk.pages));
  });
}

function writeStatistics(
  writer: ThriftWriter,
  { nulls, min, max, isMinExact, isMaxExact }: Statistics,
): void {
  writer.i64(3, nulls).binary(5, max).binary(6, min);
  writer.bool(7, max === undefined ? undefined : isMaxExact);
  writer.bool(8, min === undefined ? undefined : isMinExact);
}

export interface FileFacts {
  readonly schemaElements: readonly Uint8Array[];
  readonly columns: number;
  readonly rows: number;
  /** As `rowGroup` has made them. */
  readonly rowGroups: readonly Uint8Array[];
  readonly keyValues: Readonly<Record<string, string>>;
  readonly createdBy: string;
}

/** What a file ends with, after its last row group: metadata, its length, the magic word. */
export function footerBytes(facts: FileFacts): Buffer {
  const writer = new ThriftWriter().i32(1, FORMAT_VERSION);
  writeRaw(writer, 2, facts.schemaElements);
  writer.i64(3, facts.rows);
  writeRaw(writer, 4, facts.rowGroups);
  const keyValues = Object.entries(facts.keyValues);
  if (keyValues.length > 0) {
    writer.list(5, 'struct', keyValues.length);
    for (const [key, value] of keyValues) writer.structValue((pair) => pair.binary(1, key).binary(2, value));
  }
  writer.binary(6, facts.createdBy).list(7, 'struct', facts.columns);
  // The order that the type defines: without it readers must not use the bounds.
  for (let column = 0; column < facts.columns; column += 1) {
    writer.structValue((order) => order.struct(1, () => undefined));
  }
  const metadata = writer.end();
  const length = Buffer.alloc(4);
  length.writeUInt32LE(metadata.length);
  return Buffer.concat([metadata, length, MAGIC]);
}

function writeRaw(writer: ThriftWriter, id: number, structs: readonly Uint8Array[]): void {
  writer.list(id, 'struct', structs.length);
  for (const struct of structs) writer.raw(struct);
}
