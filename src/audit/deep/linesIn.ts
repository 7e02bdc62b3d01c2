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
  readonly store: Pick<StoreReading, 'read'>;
  readonly signal: AbortSignal;
  readonly decompress: typeof decompress;
  /** Called again and again while rows are taken apart. Absent: others have their turn. */
  readonly rest?: (() => Promise<void>) | undefined;
}

/** Whether its bytes are the lines. Only then its length and checksum follow from the records. */
export const isLines = (format: string): boolean => codecOf(format) === null && !hasRowsFile(format);

/** Pieces of the lines, in their order. Throws as the store does, or an Error if it is no file of its format. */
export function linesIn(file: Holder, reading: FileReading): AsyncIterable<Uint8Array> {
  const { store, signal, rest } = reading;
  const { uri, format } = file;
  if (hasRowsFile(format)) return rowLines(fileBytes(file, reading), rest ?? (() => takeTurns(signal)));
  const codec = codecOf(format);
  const chunks = store.read(uri, signal);
  return codec === null ? chunks : reading.decompress(codec, chunks);
}

async function takeTurns(signal: AbortSignal): Promise<void> {
  await turn();
  signal.throwIfAborted();
}

function fileBytes({ uri, length }: Holder, { store, signal }: FileReading): FileBytes {
  return {
    name: uri,
    lengthBytes: length,
    slice: async (from, to) => {
      const bytes = new Uint8Array(to - from);
      let filled = 0;
      for await (const chunk of store.read(uri, signal, { from, to })) {
        bytes.set(chunk, filled);
        filled += chunk.length;
      }
      if (filled === bytes.length) return bytes;
      throw new Error(`${uri} ends at ${from + filled} bytes; ${length} were journaled.`);
    },
  };
}
