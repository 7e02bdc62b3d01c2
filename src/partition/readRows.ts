/** The rows that a part file in progress does not hold, from the rows file beside it. */
import { rowsUri } from '../../actors/naming.ts';
import type { DurableFacts } from '../../actors/facts.ts';
import type { PartFileContext } from '../../actors/partFile.ts';
import { LogReader } from '../formats/parquet/rowFrames.ts';
import { restoreRows } from '../formats/parquet/rowLog.ts';
import type { RowEncoder } from '../formats/rows.ts';
import { contentDiffers, isStoreFailure } from '../stores/failure.ts';
import type { Store } from '../stores/port.ts';
import { rowsOf } from '../writing/rowsHandle.ts';

/** As of its last completed checkpoint; null if the file holds lines. */
export async function readRows(
  store: Store,
  { temporaryUri }: PartFileContext,
  durable: DurableFacts,
): Promise<RowEncoder | null> {
  const rows = rowsOf(durable);
  if (rows === null) return null;
  const uri = rowsUri(temporaryUri);
  const log = new LogReader();
  const encoder = await named(uri, async () => {
    await store.scratch.read(uri, rows, (chunk) => log.add(chunk));
    return restoreRows(log);
  });
  const { lengthBytes, rows: count } = encoder;
  if (lengthBytes === durable.length && count === durable.records) return encoder;
  const difference =
    `follows ${lengthBytes} bytes and has ${count} rows, of a part file of which ${durable.length} bytes ` +
    `and ${durable.records} rows are durable`;
  throw contentDiffers(uri, difference, 'Restore both files, then resume.', [temporaryUri]);
}

/** What cannot be understood of a log does not know its file. */
async function named<T>(uri: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!isStoreFailure(error, 'contentDiffers') || error.affected.files.length > 0) throw error;
    throw contentDiffers(uri, 'cannot be understood', error.message);
  }
}
