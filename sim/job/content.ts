/**
 * What part files hold in a world: lines of values, or whole records as JSON or Parquet, of which some are
 * bad; compressed or not. Checkers see the values, whatever the format is.
 */
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { z } from 'zod';
import type { TopicPartition } from '../../journal/ids.ts';
import type { Codec } from '../../src/formats/compression/codec.ts';
import { BAD_BUCKET } from '../../src/formats/bad/badLine.ts';
import { formatId, type BadReason, type LineFormat, type PartFormat } from '../../src/formats/format.ts';
import { RecordLine } from '../../src/formats/json/recordLine.ts';
import { RECORD_ENVELOPE } from '../../src/formats/parquet/envelope.ts';
import { ParquetRows } from '../../src/formats/parquet/rowEncoder.ts';
import type { RowEncoder, RowFormat } from '../../src/formats/rows.ts';
import { TextLine } from '../../src/formats/text/line.ts';
import type { RecordCursor } from '../../src/sources/port.ts';
import { isParquet, parquetValues } from './parquetValues.ts';
import { randomFor } from '../random.ts';
import { isBadOffset, PLAIN_RECORDS, type RecordsRule } from './records.ts';

export interface ContentConfig {
  /** `bad`, `badParquet`: as JSON or Parquet, and records that are bad go to a file of their own. */
  readonly lines: (typeof ALL_LINES)[number];
  readonly codec: (typeof CODECS)[number];
}

export const PLAIN_CONTENT: ContentConfig = { lines: 'text', codec: 'none' };

const LINES = ['json', 'bad', 'text'] as const;
const ALL_LINES = [...LINES, 'parquet', 'badParquet'] as const;
const CODECS = ['zstd', 'none', 'gzip'] as const;
export const contentSchema: z.ZodType<ContentConfig> = z.strictObject({
  lines: z.enum(ALL_LINES),
  codec: z.enum(CODECS),
});

/** In percent. */
const PLAIN_SHARE = 65;
/** Of the others, in percent. */
const PARQUET_SHARE = 40;
const PARQUET_LINES = ['parquet', 'parquet', 'badParquet'] as const;

/** Drawn from what else was drawn, so that nothing else is drawn otherwise for it. */
export function contentFor(drawn: unknown): ContentConfig {
  const random = randomFor(JSON.stringify(drawn));
  if (random.percent(PLAIN_SHARE)) return PLAIN_CONTENT;
  const [lines, codec] = [random.pick(LINES), random.pick(CODECS)];
  return { lines: random.percent(PARQUET_SHARE) ? random.pick(PARQUET_LINES) : lines, codec };
}

export function contentWords({ lines, codec }: ContentConfig): string {
  const what = {
    text: 'lines of text',
    json: 'records as JSON',
    bad: 'records as JSON, some of them bad',
    parquet: 'records as Parquet',
    badParquet: 'records as Parquet, some of them bad',
  };
  return codec === 'none' ? what[lines] : `${what[lines]}, ${codec}`;
}

/** With bad records, where such are skipped; as JSON or Parquet, where a null has to be told from a text. */
const WITH_BAD = {
  text: 'bad',
  json: 'bad',
  bad: 'bad',
  parquet: 'badParquet',
  badParquet: 'badParquet',
} as const;

/**
 * What files of a configuration hold: the format that is asked for, or the next one that its records rule
 * allows.
 */
export function contentOf({
  content = PLAIN_CONTENT,
  records = PLAIN_RECORDS,
}: {
  readonly content?: ContentConfig | undefined;
  readonly records?: RecordsRule | undefined;
}): ContentConfig {
  const { lines } = content;
  if (records.bad === 'skip') return { ...content, lines: WITH_BAD[lines] };
  return records.tombstones === 'keep' && lines === 'text' ? { ...content, lines: 'json' } : content;
}

const hasBad = ({ lines }: ContentConfig): boolean => lines === 'bad' || lines === 'badParquet';

export const isInRows = ({ lines }: ContentConfig): boolean => lines === 'parquet' || lines === 'badParquet';

export function partFormatOf(config: Parameters<typeof contentOf>[0]): PartFormat {
  const content = contentOf(config);
  const { tombstones } = config.records ?? PLAIN_RECORDS;
  const { lines, codec: name } = content;
  if (isInRows(content)) {
    return {
      ...{ id: `parquet-world-${name}`, codec: null, tombstones },
      recordsOf: (partition) => new WorldRows(parquetRows(partition, name), hasBad(content)),
    };
  }
  const codec = CODECS_OF[name];
  return {
    id: formatId(lines === 'text' ? 'text' : 'json-record-bytes-string', codec),
    ...{ codec, tombstones },
    recordsOf: (partition) =>
      lines === 'text' ? new TextLine('bad') : new WorldLine(partition, lines === 'bad'),
  };
}

/** Compression ends at once: the order of events is the scheduler's alone. */
const CODECS_OF: Readonly<Record<ContentConfig['codec'], Codec | null>> = {
  none: null,
  gzip: {
    ...{ name: 'gzip', suffix: '.gz' },
    compress: (bytes) => Promise.resolve(gzipSync(bytes, { level: 1 })),
  },
  zstd: {
    ...{ name: 'zstd', suffix: '.zst' },
    compress: (bytes) => Promise.resolve(zstdCompressSync(bytes)),
  },
};

/** The bucket of bad records, if this one is bad; else `bucket`. */
export function bucketOfRecord(
  config: Parameters<typeof contentOf>[0],
  { offset, hasValue }: { readonly offset: number; readonly hasValue: boolean },
  bucket: string,
): string {
  const isBad = hasBad(contentOf(config)) && isBadOffset(offset);
  return isBad || (!hasValue && config.records?.tombstones === 'bad') ? BAD_BUCKET : bucket;
}

const offsetOf = (record: RecordCursor): number => Number(record.baseOffset) + record.offsetDelta;

/** A file of a world holds several. */
const ROW_GROUP_BYTES = 600;

function parquetRows(partition: TopicPartition, codec: ContentConfig['codec']): ParquetRows {
  const options = { codec, rowGroupBytes: ROW_GROUP_BYTES, createdBy: 'world' };
  return new ParquetRows({ schema: RECORD_ENVELOPE, options, partition });
}

class WorldRows implements RowFormat {
  readonly type = 'rows';
  readonly #rows: ParquetRows;
  readonly #hasBad: boolean;

  constructor(rows: ParquetRows, withBad: boolean) {
    this.#rows = rows;
    this.#hasBad = withBad;
  }

  check(record: RecordCursor): BadReason | null {
    if (this.#hasBad && isBadOffset(offsetOf(record))) return 'wrong-type';
    return this.#rows.check(record);
  }

  rowText(record: RecordCursor): string {
    return this.#rows.rowText(record);
  }

  begin(): RowEncoder {
    return this.goOn(this.#rows.begin());
  }

  goOn(encoder: RowEncoder): RowEncoder {
    if (!this.#hasBad) return encoder;
    const append = encoder.append.bind(encoder);
    encoder.append = (record) => (isBadOffset(offsetOf(record)) ? 'wrong-type' : append(record));
    return encoder;
  }
}

class WorldLine implements LineFormat {
  readonly type = 'lines';
  readonly inBulk = null;
  readonly start = 0;
  readonly #line: RecordLine;
  readonly #hasBad: boolean;

  constructor(partition: TopicPartition, withBad: boolean) {
    this.#line = new RecordLine(partition, { key: 'bytes', value: 'string' });
    this.#hasBad = withBad;
  }

  get bytes(): Buffer {
    return this.#line.bytes;
  }

  get end(): number {
    return this.#line.end;
  }

  encode(record: RecordCursor): BadReason | null {
    if (this.#hasBad && isBadOffset(offsetOf(record))) return 'invalid-json';
    return this.#line.encode(record);
  }
}

/** The values in a file, as lines; its bytes as text if they are none of these formats. */
export function valuesIn(bytes: Buffer): string {
  try {
    if (isParquet(bytes)) return parquetValues(bytes);
    const text = decompressed(bytes).toString('utf8');
    if (!text.startsWith('{"topic":')) return text;
    return text.replaceAll(/^(.+)$/gm, (line) => valueIn(line));
  } catch {
    return bytes.toString('latin1');
  }
}

function valueIn(line: string): string {
  const { key, value, reason } = JSON.parse(line) as Readonly<Record<string, unknown>>;
  // The key of a record without a value says which one it is.
  if (value === null && typeof key === 'string') return Buffer.from(key, 'base64').toString('utf8');
  if (typeof value !== 'string') return JSON.stringify(value);
  return reason === undefined ? value : Buffer.from(value, 'base64').toString('utf8');
}

/** As the audit reads a file, without a thread: the order of events is the scheduler's alone. */
export async function* decompressAtOnce(
  _codec: string,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(Buffer.from(chunk));
  yield decompressed(Buffer.concat(all));
}

function decompressed(bytes: Buffer): Buffer {
  if (bytes.length < 4) return bytes;
  if (bytes.readUInt16BE(0) === 0x1f8b) return gunzipSync(bytes);
  const frames: Buffer[] = [];
  let left = bytes;
  while (left.length >= 4 && left.readUInt32LE(0) === 0xfd2fb528) {
    const { buffer, engine } = zstdDecompressSync(left, { info: true }) as unknown as {
      readonly buffer: Buffer;
      readonly engine: { readonly bytesWritten: number };
    };
    frames.push(buffer);
    left = left.subarray(engine.bytesWritten);
  }
  return frames.length === 0 ? bytes : Buffer.concat([...frames, left]);
}
