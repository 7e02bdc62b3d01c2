import type { RowEncoder } from '../rows.ts';
import { ParquetRowEncoder } from './rowEncoder.ts';
import type { LogReader } from './rowFrames.ts';

/**
 * The encoder that wrote the log, as it was then: its bytes follow the `lengthBytes` that the part file has
 * of its groups. Only the rows of the group that has not ended are decoded. It begins a log of its own: the
 * first `loggedGroups()` is the header and all groups, the first `loggedRows()` all rows of the open group.
 *
 * Throws STORE_CONTENT_DIFFERS if the log is damaged, or a newer version has written it.
 * @param log has read all of it, up to where any `loggedGroups` or `loggedRows` has ended.
 */
export function restoreRows(log: LogReader): RowEncoder {
  const { file, rowGroups, pieces } = log.end();
  const encoder = new ParquetRowEncoder(file, rowGroups);
  for (const piece of pieces) encoder.appendPiece(piece);
  return encoder;
}
