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

/**
 * Reads a log chunk by chunk. Of the rows, only those after the last row group are kept. Throws
 * STORE_CONTENT_DIFFERS if the log is damaged, or a newer version has written it.
 */
export class LogReader {
  #file: RowFile | undefined;
  readonly #rowGroups: EndedRowGroup[] = [];
  #pieces: Frame[] = [];
  /** Of a frame whose end was not there yet. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #neededBytes = LEAD_BYTES;

  /** @param chunk may change after the call. */
  add(chunk: Uint8Array): void {
    this.#waiting.push(Buffer.from(chunk));
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes < this.#neededBytes) return;
    const bytes = Buffer.concat(this.#waiting);
    let at = 0;
    for (let end = this.#frameEnd(bytes, at); end !== null; end = this.#frameEnd(bytes, at)) {
      const body = bytes.subarray(at + LEAD_BYTES, end);
      this.#take({ type: bytes.readUInt8(at + 4), crc: bytes.readUInt32LE(at + 5), body });
      at = end;
    }
    this.#waiting = [bytes.subarray(at)];
    this.#waitingBytes = bytes.length - at;
  }

  /** Null if it is not there yet. */
  #frameEnd(bytes: Buffer, at: number): number | null {
    this.#neededBytes = LEAD_BYTES;
    if (at + LEAD_BYTES > bytes.length) return null;
    const length = LEAD_BYTES - CRC_BYTES + bytes.readUInt32LE(at);
    if (length < LEAD_BYTES) throw rowsDamaged('are cut off');
    this.#neededBytes = length;
    return at + length > bytes.length ? null : at + length;
  }

  #take(frame: Frame): void {
    if ((frame.type === TYPE.header) !== (this.#file === undefined)) {
      throw rowsDamaged(this.#file === undefined ? 'have no header' : 'have a second header');
    }
    switch (frame.type) {
      case TYPE.header:
        this.#file = rowFileOf(bodyOf(frame));
        break;
      case TYPE.rows:
        this.#pieces.push(frame);
        break;
      case TYPE.rowGroup:
        this.#rowGroups.push(rowGroupOf(bodyOf(frame), this.#rowGroups.at(-1)));
        this.#pieces = [];
        break;
      default:
        throw rowsDamaged(`have a frame of the unknown type ${frame.type}`);
    }
  }

  end(): LoggedRows {
    if (this.#waitingBytes > 0) throw rowsDamaged('are cut off');
    if (this.#file === undefined) throw rowsDamaged('have no header');
    return { file: this.#file, rowGroups: this.#rowGroups, pieces: this.#pieces.map(bodyOf) };
  }
}

interface Frame {
  readonly type: number;
  readonly crc: number;
  readonly body: Buffer;
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
