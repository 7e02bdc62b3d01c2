/**
 * The frames of a row log: all that a later process needs to write a Parquet file on, whatever the job's
 * configuration is by then.
 *
 * A frame: the length of what follows the type (uint32), the type (uint8), the CRC-32 of type and body
 * (uint32), the body. Numbers are little-endian. The first frame is the header, and no other one is.
 *
 * - header: JSON: version, schema, options, and, for the record envelope, topic and partition.
 * - rows: a piece of the rows that are in no row group yet (tail.ts).
 * - rowGroup: one has ended, and the rows before this frame are in it: length of the file and its rows up to
 *   there (uint64 each), metadata.
 */
import { crc32 } from 'node:zlib';
import type { TopicPartition } from '../../../journal/ids.ts';
import { StoreFailure } from '../../stores/failure.ts';
import type { EndedRowGroup, ParquetOptions } from './encoder.ts';
import { rowsDamaged } from './rowsDamaged.ts';
import type { ParquetSchema } from './schema.ts';

const VERSION = 1;
const TYPE = { header: 1, rows: 2, rowGroup: 3 } as const;
const CRC_BYTES = 4;
const LEAD_BYTES = 4 + 1 + CRC_BYTES;
const GROUP_FACTS_BYTES = 16;

/** What decides the bytes of a file, besides its rows. */
export interface RowFile {
  readonly schema: ParquetSchema;
  readonly options: Omit<ParquetOptions, 'isFast'>;
  /** Of records in the record envelope; null: rows are typed values. */
  readonly partition: TopicPartition | null;
}

export function headerFrame({ schema, options, partition }: RowFile): Buffer {
  const { codec, level, rowGroupBytes, pageBytes, createdBy, keyValues } = options;
  const header = {
    ...{ version: VERSION, schema, codec, level, rowGroupBytes, pageBytes, createdBy, keyValues },
    ...(partition === null ? {} : { topic: partition.topic, partition: partition.partition }),
  };
  return frame(TYPE.header, Buffer.from(JSON.stringify(header)));
}

/** @param piece of the tail of an encoder. */
export const rowsFrame = (piece: Buffer): Buffer => frame(TYPE.rows, piece);

export function rowGroupFrame({ metadata, lengthBytes, rows }: EndedRowGroup): Buffer {
  const facts = Buffer.alloc(GROUP_FACTS_BYTES);
  facts.writeBigUInt64LE(BigInt(lengthBytes));
  facts.writeBigUInt64LE(BigInt(rows), 8);
  return frame(TYPE.rowGroup, facts, metadata);
}

function frame(type: number, ...body: readonly Uint8Array[]): Buffer {
  const lead = Buffer.alloc(LEAD_BYTES);
  lead.writeUInt32LE(body.reduce((sum, part) => sum + part.length, CRC_BYTES));
  lead[4] = type;
  lead.writeUInt32LE(crcOf(type, body), 5);
  return Buffer.concat([lead, ...body]);
}

const crcOf = (type: number, body: readonly Uint8Array[]): number =>
  body.reduce((crc, part) => crc32(part, crc), crc32(Uint8Array.of(type)));

/** A whole log. */
export interface LoggedRows {
  readonly file: RowFile;
  readonly rowGroups: readonly EndedRowGroup[];
  /** Of the rows after the last row group, in their order. */
  readonly pieces: readonly Uint8Array[];
}

/** Throws STORE_CONTENT_DIFFERS if the log is damaged, or a newer version has written it. */
export function readLog(log: Uint8Array): LoggedRows {
  let file: RowFile | undefined;
  const rowGroups: EndedRowGroup[] = [];
  let pieces: Frame[] = [];
  for (const each of framesOf(Buffer.from(log.buffer, log.byteOffset, log.byteLength))) {
    if ((each.type === TYPE.header) !== (file === undefined)) {
      throw rowsDamaged(file === undefined ? 'have no header' : 'have a second header');
    }
    switch (each.type) {
      case TYPE.header:
        file = rowFileOf(bodyOf(each));
        break;
      case TYPE.rows:
        pieces.push(each);
        break;
      case TYPE.rowGroup:
        rowGroups.push(rowGroupOf(bodyOf(each), rowGroups.at(-1)));
        pieces = [];
        break;
      default:
        throw rowsDamaged(`have a frame of the unknown type ${each.type}`);
    }
  }
  if (file === undefined) throw rowsDamaged('have no header');
  return { file, rowGroups, pieces: pieces.map(bodyOf) };
}

interface Frame {
  readonly type: number;
  readonly crc: number;
  readonly body: Buffer;
}

function* framesOf(log: Buffer): Generator<Frame, void> {
  for (let at = 0; at < log.length;) {
    const bodyAt = at + LEAD_BYTES;
    if (bodyAt > log.length) throw rowsDamaged('are cut off');
    const end = bodyAt - CRC_BYTES + log.readUInt32LE(at);
    if (end < bodyAt || end > log.length) throw rowsDamaged('are cut off');
    yield { type: log.readUInt8(at + 4), crc: log.readUInt32LE(at + 5), body: log.subarray(bodyAt, end) };
    at = end;
  }
}

/** Checked. */
function bodyOf({ type, crc, body }: Frame): Buffer {
  if (crcOf(type, [body]) !== crc) throw rowsDamaged('have another CRC than they had');
  return body;
}

function rowGroupOf(body: Buffer, before: EndedRowGroup | undefined): EndedRowGroup {
  if (body.length < GROUP_FACTS_BYTES) throw rowsDamaged('have a row group that is cut off');
  const lengthBytes = Number(body.readBigUInt64LE());
  const rows = Number(body.readBigUInt64LE(8));
  if (lengthBytes <= (before?.lengthBytes ?? 0) || rows <= (before?.rows ?? 0)) {
    throw rowsDamaged('have row groups that do not follow each other');
  }
  return { metadata: Uint8Array.from(body.subarray(GROUP_FACTS_BYTES)), lengthBytes, rows };
}

/** The CRC says that a version of this program wrote it; which one is in the header. */
type Header = Readonly<{ version: number; schema: ParquetSchema; topic?: string; partition?: number }> &
  RowFile['options'];

function rowFileOf(body: Buffer): RowFile {
  const { version, schema, topic, partition, ...options } = parsed(body);
  if (version !== VERSION) {
    const message =
      'The rows of a Parquet file, as a checkpoint has kept them beside it, are in the form of a newer ' +
      `version (${version}). Upgrade this coordinator, then resume.`;
    throw new StoreFailure('contentDiffers', message);
  }
  const isEnvelope = topic !== undefined && partition !== undefined;
  return { schema, options, partition: isEnvelope ? { topic, partition } : null };
}

function parsed(body: Buffer): Header {
  try {
    return JSON.parse(body.toString()) as Header;
  } catch (cause) {
    throw rowsDamaged('have a header that is no JSON', cause);
  }
}
