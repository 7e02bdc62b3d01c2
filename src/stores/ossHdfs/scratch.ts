/** Reads what an earlier owner left beside a part file. */
import { isStoreFailure } from '../failure.ts';
import type { DurablePart } from '../port.ts';
import { scratchContent, scratchMissing } from '../storedContent.ts';
import { chunksOf } from './content.ts';
import { isJindoError, refusedOrUnknown } from './errors.ts';
import { untilClosed, type JindoConnection } from './resume.ts';

/**
 * Takes the lease away first: the service lets nobody read a file that is open. Its writer was told by then that
 * its epoch is over, or will be.
 */
export async function readScratch(
  connection: JindoConnection,
  uri: string,
  durable: Omit<DurablePart, 'handle'>,
): Promise<Buffer> {
  const { client, paths } = connection;
  const path = paths.temporaryPathOf(uri);
  try {
    await untilClosed(connection, path, uri);
    const found = (await client.status(path))?.length ?? 0;
    const chunks = chunksOf(client, path, Math.min(found, durable.length));
    return await scratchContent(uri, chunks, durable);
  } catch (cause) {
    if (isStoreFailure(cause, 'contentDiffers')) throw cause;
    if (isJindoError(cause, 'notFound')) throw scratchMissing(uri, durable, cause);
    throw refusedOrUnknown('read back', uri, cause);
  }
}
