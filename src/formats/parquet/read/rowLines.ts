/**
 * Reads the rows of a Parquet file back, as texts (rowText.ts). hyparquet takes the file apart: nothing of
 * the encoder judges what the encoder wrote. One row group is in memory, as it is in the file.
 */
import type { ColumnMetaData, RowGroup, SchemaTree } from 'hyparquet';
import { parquetMetadata, parquetSchema } from 'hyparquet/src/metadata.js';
import type { RowNode } from '../rowShape.ts';
import { RowTexts } from '../rowText.ts';
import { ChunkEntries } from './chunkEntries.ts';
import { columnPaths, shapeOfFile } from './fileShape.ts';

export interface FileBytes {
  /** For messages. */
  readonly name: string;
  readonly lengthBytes: number;
  /** The bytes [start, end), which the file has; its own failures pass through. */
  slice(start: number, end: number): Promise<Uint8Array>;
}

/** Length of the metadata, and the magic word. */
const TRAILER_BYTES = 8;
const LINES_BYTES = 1 << 16;

/**
 * The rows in their order: whole lines, in pieces. Rejects with an Error if it is no file that the encoder
 * writes, or is damaged; and as `file` does.
 * @param rest called after each piece: taking rows apart keeps the thread to itself.
 */
export async function* rowLines(file: FileBytes, rest: () => Promise<void>): AsyncGenerator<Uint8Array> {
  const { groups, shape } = await planOf(file);
  for (const { chunks, rows } of groups) {
    const start = Math.min(...chunks.map((chunk) => chunk.start));
    const end = Math.max(...chunks.map((chunk) => chunk.end));
    const bytes = await file.slice(start, end);
    const pieces = linesOfGroup(bytes, start, chunks, { shape, rows });
    for (;;) {
      const piece = checked(file, () => pieces.next());
      if (piece.done === true) break;
      yield piece.value;
      await rest();
    }
  }
}

/** Where the rows are, and what they are like. */
interface Plan {
  readonly shape: RowNode;
  readonly groups: readonly { readonly chunks: readonly Chunk[]; readonly rows: number }[];
}

async function planOf(file: FileBytes): Promise<Plan> {
  const { lengthBytes } = file;
  if (lengthBytes < TRAILER_BYTES) throw unreadable(file, 'the file is too short');
  const trailer = await file.slice(lengthBytes - TRAILER_BYTES, lengthBytes);
  const metadataBytes = new DataView(trailer.buffer, trailer.byteOffset, TRAILER_BYTES).getUint32(0, true);
  const start = lengthBytes - TRAILER_BYTES - metadataBytes;
  if (start < 0) throw unreadable(file, 'the file does not end as Parquet does');
  const footer = await file.slice(start, lengthBytes);
  return checked(file, () => {
    const metadata = parquetMetadata(footer, { geoparquet: false });
    const root = parquetSchema(metadata);
    const paths = columnPaths(root);
    const groups = metadata.row_groups.map((group) => ({
      chunks: chunksOf(group, paths, start),
      rows: Number(group.num_rows),
    }));
    const rows = groups.reduce((sum, group) => sum + group.rows, 0);
    if (rows !== Number(metadata.num_rows)) throw new Error('the file has other rows than its row groups');
    return { shape: shapeOfFile(root), groups };
  });
}

interface Chunk {
  readonly facts: ColumnMetaData;
  readonly path: SchemaTree[];
  /** In the file. */
  readonly start: number;
  readonly end: number;
}

/** In the order of the schema's columns. @param most where the metadata begins. */
function chunksOf({ columns }: RowGroup, paths: readonly SchemaTree[][], most: number): Chunk[] {
  if (columns.length !== paths.length) throw new Error('a row group has other columns than the schema');
  return paths.map((path, column) => {
    const facts = columns[column]?.meta_data;
    const name = path.slice(1).map(({ element }) => element.name);
    if (facts === undefined || facts.path_in_schema.join('\0') !== name.join('\0'))
      throw new Error('a row group has its columns in another order than the schema');
    const start = Number(facts.dictionary_page_offset ?? facts.data_page_offset);
    const end = start + Number(facts.total_compressed_size);
    if (!(start >= 0 && end >= start && end <= most)) throw new Error('a column is not within the file');
    return { facts, path, start, end };
  });
}

function* linesOfGroup(
  bytes: Uint8Array,
  offset: number,
  chunks: readonly Chunk[],
  { shape, rows }: { readonly shape: RowNode; readonly rows: number },
): Generator<Uint8Array, void> {
  const columns = chunks.map(
    ({ start, end, facts, path }) =>
      new ChunkEntries(bytes.subarray(start - offset, end - offset), facts, path),
  );
  const texts = new RowTexts(shape, columns);
  let lines: string[] = [];
  let length = 0;
  for (let row = 0; row < rows; row += 1) {
    const text = texts.next();
    lines.push(text, '\n');
    length += text.length + 1;
    if (length < LINES_BYTES) continue;
    yield Buffer.from(lines.join(''));
    lines = [];
    length = 0;
  }
  if (!texts.isOver) throw new Error('a column has more rows than the metadata says');
  if (lines.length > 0) yield Buffer.from(lines.join(''));
}

/** What hyparquet throws, and what is found beside it, does not say which file it is. */
function checked<T>(file: FileBytes, look: () => T): T {
  try {
    return look();
  } catch (cause) {
    throw unreadable(file, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

const unreadable = ({ name }: FileBytes, why: string, cause?: unknown): Error =>
  new Error(`The rows of ${name} cannot be read: ${why}.`, cause === undefined ? {} : { cause });
