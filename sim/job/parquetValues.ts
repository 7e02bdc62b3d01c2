/**
 * The values in a Parquet file of records as Kafka has them. Synchronous, as all that looks at files in a
 * world. hyparquet takes the file apart: nothing of the encoder judges what the encoder wrote.
 */
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { ColumnMetaData, Compressors, ParquetParsers, RowGroup, SchemaTree } from 'hyparquet';
import { readColumn } from 'hyparquet/src/column.js';
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { parquetMetadata, parquetSchema } from 'hyparquet/src/metadata.js';

const MAGIC = 'PAR1';
/** The magic word at both ends, and the length of the metadata. */
const SHORTEST_BYTES = 12;

const COMPRESSORS: Compressors = {
  GZIP: (page) => gunzipSync(page),
  ZSTD: (page) => zstdDecompressSync(page),
};
const PARSERS: ParquetParsers = {
  ...DEFAULT_PARSERS,
  stringFromBytes: (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8'),
};

/** Whether the bytes begin and end as a whole Parquet file does. */
export function isParquet(bytes: Buffer): boolean {
  if (bytes.length < SHORTEST_BYTES) return false;
  return bytes.toString('latin1', 0, 4) === MAGIC && bytes.toString('latin1', bytes.length - 4) === MAGIC;
}

/**
 * The values, each as a line; of a null the key, or `null`. Throws an Error if the file is damaged, or holds
 * other rows.
 */
export function parquetValues(bytes: Buffer): string {
  const metadata = parquetMetadata(bytes, { geoparquet: false });
  const root = parquetSchema(metadata);
  const lines: string[] = [];
  for (const group of metadata.row_groups) {
    const values = valuesOfColumn(bytes, root, group, 'value');
    const keys = values.includes(null) ? valuesOfColumn(bytes, root, group, 'key') : [];
    for (const [row, value] of values.entries()) lines.push(`${value ?? keys[row] ?? 'null'}\n`);
  }
  if (BigInt(lines.length) !== metadata.num_rows)
    throw new Error('The file has more or fewer values than rows.');
  return lines.join('');
}

function valuesOfColumn(
  bytes: Buffer,
  root: SchemaTree,
  { columns, num_rows: rows }: RowGroup,
  column: string,
): (string | null)[] {
  const leaf = root.children.find(({ element }) => element.name === column);
  if (leaf?.element.type !== 'BYTE_ARRAY')
    throw new Error(`The file has no column "${column}" of bytes or text.`);
  const facts = columns.map(({ meta_data: one }) => one);
  const chunk = facts.find((one) => one?.path_in_schema.join('.') === column);
  if (chunk === undefined) throw new Error(`A row group has no column "${column}".`);
  return valuesOfChunk(bytes, chunk, [root, leaf], Number(rows));
}

/** @param path of the schema, down to the column. */
function valuesOfChunk(
  bytes: Buffer,
  chunk: ColumnMetaData,
  path: readonly [SchemaTree, SchemaTree],
  rows: number,
): (string | null)[] {
  const start = Number(chunk.dictionary_page_offset ?? chunk.data_page_offset);
  const length = Number(chunk.total_compressed_size);
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset + start, length), offset: 0 };
  const { data } = readColumn(
    reader,
    { groupStart: 0, selectStart: 0, selectEnd: rows, groupRows: rows },
    {
      ...{ ...chunk, pathInSchema: chunk.path_in_schema, element: path[1].element, schemaPath: [...path] },
      ...{ parsers: PARSERS, compressors: COMPRESSORS },
    },
  );
  const values = data.flatMap((page): unknown[] => Array.from<unknown>(page));
  if (values.length !== rows) throw new Error('A row group has more or fewer values than rows.');
  return values.map((value) => {
    if (typeof value === 'string' || value === null) return value;
    throw new Error('A value is neither text nor null.');
  });
}
