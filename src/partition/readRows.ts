/** The rows that a part file in progress does not hold, from the rows file beside it. */
import { rowsUri } from '../../actors/naming.ts';
import type { DurableFacts } from '../../actors/facts.ts';
import type { PartFileContext } from '../../actors/partFile.ts';
import { restoreRows } from '../formats/parquet/rowLog.ts';
import type { RowEncoder } from '../formats/rows.ts';
import { contentDiffers } from '../stores/failure.ts';
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
  const encoder = restoreRows(await store.scratch.read(uri, rows));
  const { lengthBytes } = encoder;
  if (lengthBytes === durable.length) return encoder;
  const difference = `follows ${lengthBytes} bytes of a part file of which ${durable.length} are durable`;
  throw contentDiffers(uri, difference, 'Restore both files, then resume.', [temporaryUri]);
}
