/**
 * Reads the rows of a Parquet file back, as texts (rowText.ts). hyparquet takes the file apart: nothing of the
 * encoder judges what the encoder wrote. One row group is in memory, as it is in the file.
 */
import type { ColumnMetaData, FileMetaData, RowGroup, SchemaTree } from 'hyparquet';
import { parquetMetadata, parquetSchema } from 'hyparquet/src/metadata.js';
import type { RowNode } from '../rowShape.ts';
import { RowTexts } from '../rowText.ts';
import { ChunkEntries } from './chunkEntries.ts';
import { columnPaths, shapeOfFile } from './fileShape.ts';

export interface FileBytes {
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
  const { row_groups: groups, num_rows: rows, ...metadata } = await metadataOf(file);
  const root = parquetSchema(metadata);
  const rules = { paths: columnPaths(root), shape: checked(() => shapeOfFile(root)) };
  const counted = groups.reduce((sum, group) => sum + group.num_rows, 0n);
  if (counted !== rows) throw notOurs('it has other rows than its row groups');
  for (const group of groups) {
    const chunks = checked(() => chunksOf(group, rules.paths, file.lengthBytes));
    const start = Math.min(...chunks.map((chunk) => chunk.start));
    const end = Math.max(...chunks.map((chunk) => chunk.end));
    const bytes = await file.slice(start, end);
    const pieces = linesOfGroup(bytes, start, chunks, { ...rules, rows: Number(group.num_rows) });
    for (let piece = next(pieces); piece !== null; piece = next(pieces)) {
      yield piece;
      await rest();
    }
  }
}

async function metadataOf(file: FileBytes): Promise<FileMetaData> {
  const { lengthBytes } = file;
  if (lengthBytes < TRAILER_BYTES) throw notOurs('it is too short');
  const trailer = await file.slice(lengthBytes - TRAILER_BYTES, lengthBytes);
  const metadataBytes = new DataView(trailer.buffer, trailer.byteOffset, TRAILER_BYTES).getUint32(0, true);
  const start = lengthBytes - TRAILER_BYTES - metadataBytes;
  if (start < 0) throw notOurs('its end is none of a Parquet file');
  const footer = await file.slice(start, lengthBytes);
  return checked(() => parquetMetadata(footer, { geoparquet: false }));
}

interface Chunk {
  readonly facts: ColumnMetaData;
  readonly path: SchemaTree[];
  /** In the file. */
  readonly start: number;
  readonly end: number;
}

/** In the order of the schema's columns. */
function chunksOf({ columns }: RowGroup, paths: readonly SchemaTree[][], lengthBytes: number): Chunk[] {
  if (columns.length !== paths.length) throw new Error('a row group has other columns than the schema');
  return paths.map((path, column) => {
    const facts = columns[column]?.meta_data;
    const name = path.slice(1).map(({ element }) => element.name);
    if (facts === undefined || facts.path_in_schema.join('\0') !== name.join('\0'))
      throw new Error('a row group has its columns in another order than the schema');
    const start = Number(facts.dictionary_page_offset ?? facts.data_page_offset);
    const end = start + Number(facts.total_compressed_size);
    if (!(start >= 0 && end >= start && end <= lengthBytes))
      throw new Error('a column is not within the file');
    return { facts, path, start, end };
  });
}

interface GroupRules {
  readonly shape: RowNode;
  readonly rows: number;
}

function* linesOfGroup(
  bytes: Uint8Array,
  offset: number,
  chunks: readonly Chunk[],
  { shape, rows }: GroupRules,
) {
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

const next = (pieces: Generator<Buffer, void>): Buffer | null => checked(() => pieces.next().value ?? null);

/** What hyparquet throws, and what is found by its side, says nothing of the file. */
function checked<T>(look: () => T): T {
  try {
    return look();
  } catch (cause) {
    throw notOurs(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

const notOurs = (why: string, cause?: unknown): Error =>
  new Error(`The rows cannot be read: ${why}.`, cause === undefined ? {} : { cause });
