/** Reads what an earlier owner left beside a part file. */
import { TidemarkError } from '../../../journal/errors.ts';
import type { DurablePart } from '../port.ts';
import { scratchMissing, takeScratch } from '../storedContent.ts';
import { chunksOf } from './content.ts';
import { isJindoError, unavailable } from './errors.ts';
import { untilClosed, type JindoConnection } from './resume.ts';

/**
 * Takes the lease away first: the service lets nobody read a file that is open. Its writer was told by then
 * that its epoch is over, or will be. All of it may be repeated.
 */
export async function readScratch(
  connection: JindoConnection,
  uri: string,
  durable: Omit<DurablePart, 'handle'>,
  take: (chunk: Uint8Array) => void,
): Promise<void> {
  const { client, paths } = connection;
  const path = paths.temporaryPathOf(uri);
  try {
    await untilClosed(connection, path, uri);
    const found = (await client.status(path))?.length ?? 0;
    const chunks = chunksOf(client, path, Math.min(found, durable.length));
    await takeScratch(uri, chunks, durable, take);
  } catch (cause) {
    if (cause instanceof TidemarkError) throw cause;
    if (isJindoError(cause, 'notFound')) throw scratchMissing(uri, durable, cause);
    throw unavailable('read back', uri, cause);
  }
}
