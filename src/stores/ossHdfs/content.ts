/** Reads back in bounded memory. */
import { Crc64 } from '../../../kernels/crc64.ts';
import type { DurablePart } from '../port.ts';
import { CHUNK_BYTES } from '../storedContent.ts';
import type { FileStatus, JindoClient } from './client.ts';
import { JindoError } from './errors.ts';

const READ_ONLY = 0x10000;

/**
 * How a closed file differs from what was journaled, in words. Null if it does not. JindoError `notFound` if
 * the file is gone.
 */
export async function differenceOf(
  client: JindoClient,
  path: string,
  status: FileStatus,
  durable: DurablePart,
): Promise<string | null> {
  if (status.isFolder) return 'is a folder';
  if (status.length !== durable.length)
    return `holds ${status.length} bytes, ${durable.length} were journaled`;
  const crc = new Crc64();
  for await (const chunk of chunksOf(client, path, durable.length)) crc.update(chunk);
  const found = crc.hex();
  return found === durable.crc64
    ? null
    : `holds ${durable.length} bytes with CRC-64 ${found}, ${durable.crc64} was journaled`;
}

/**
 * The first `length` bytes, from `from` on, all in one buffer, in turn. JindoError `notFound`, or without a
 * code if the file ends before.
 */
export async function* chunksOf(
  client: JindoClient,
  path: string,
  length: number,
  from = 0,
): AsyncGenerator<Buffer> {
  if (length <= from) return;
  const io = await client.runForPointer('open', path, READ_ONLY, 0, null);
  try {
    const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, length - from));
    for (let position = from; position < length;) {
      const wanted = Math.min(chunk.length, length - position);
      const read = Number(await client.run('pread', io, chunk, wanted, position, null));
      if (read <= 0 || read > wanted)
        throw new JindoError(0, 'jdo_pread', `${path} ends at ${position} bytes, ${length} were expected`);
      yield chunk.subarray(0, read);
      position += read;
    }
  } finally {
    await client.free(io);
  }
}
