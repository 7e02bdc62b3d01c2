/** The lines of a file, whatever its format is: those of a Parquet file are the texts of its rows. */
import { setImmediate as turn } from 'node:timers/promises';
import type { decompress } from '../../formats/compression/codecs.ts';
import { hasRowsFile } from '../../../actors/naming.ts';
import { codecOf } from '../../formats/format.ts';
import { rowLines, type FileBytes } from '../../formats/parquet/read/rowLines.ts';
import type { StoreReading } from '../../stores/reading.ts';
import type { Holder } from './holders.ts';

/** How files are read. */
export interface FileReading {
  readonly store: Pick<StoreReading, 'read' | 'verify'>;
  readonly signal: AbortSignal;
  readonly decompress: typeof decompress;
  /** Called again and again while rows are taken apart. Absent: others have their turn. */
  readonly rest?: (() => Promise<void>) | undefined;
}

/** Whether its bytes are the lines. Only then its length and checksum follow from the records. */
export const isLines = (format: string): boolean => codecOf(format) === null && !hasRowsFile(format);

/** A file is there, and is none of its format. The message is a sentence that names the file. */
export class FileUnreadable extends Error {}

/** Pieces of the lines, in their order. Throws as the store does, or `FileUnreadable`. */
export function linesIn(file: Holder, reading: FileReading): AsyncIterable<Uint8Array> {
  return isLines(file.format) ? reading.store.read(file.uri, reading.signal) : decodedLines(file, reading);
}

async function* decodedLines(file: Holder, reading: FileReading): AsyncGenerator<Uint8Array> {
  const others = new OthersFailure();
  const { uri, format } = file;
  const codec = hasRowsFile(format) ? null : codecOf(format);
  try {
    if (codec === null) yield* rowLines(fileBytes(file, reading, others), () => others.in(restOf(reading)));
    else yield* reading.decompress(codec, others.inEach(reading.store.read(uri, reading.signal)));
  } catch (cause) {
    if (others.failure !== null) throw others.failure.error;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = codec === null ? reason : `The ${codec} frames of ${uri} cannot be read: ${reason}.`;
    throw new FileUnreadable(message, { cause });
  }
}

/** How what a decoder is given has failed: all other failures are those of the decoder. */
class OthersFailure {
  failure: { readonly error: unknown } | null = null;

  async in<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      this.failure = { error };
      throw error;
    }
  }

  async *inEach(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* chunks;
    } catch (error) {
      this.failure = { error };
      throw error;
    }
  }
}

const restOf = ({ rest, signal }: FileReading): Promise<void> => (rest ?? (() => takeTurns(signal)))();

async function takeTurns(signal: AbortSignal): Promise<void> {
  await turn();
  signal.throwIfAborted();
}

function fileBytes(
  { uri, length }: Holder,
  { store, signal }: FileReading,
  others: OthersFailure,
): FileBytes {
  return {
    name: uri,
    lengthBytes: length,
    slice: async (from, to) => {
      const bytes = new Uint8Array(to - from);
      let filled = 0;
      for await (const chunk of others.inEach(store.read(uri, signal, { from, to }))) {
        bytes.set(chunk, filled);
        filled += chunk.length;
      }
      if (filled === bytes.length) return bytes;
      throw new Error(`${uri} ends at ${from + filled} bytes; ${length} were journaled.`);
    },
  };
}
