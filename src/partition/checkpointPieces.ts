/**
 * A checkpoint that is too large for one entry: pieces of it are journaled before the one that counts them.
 */
import type { PartChange } from '../../journal/events.ts';
import type { PartitionHost } from './partitionHost.ts';

/** Generous upper bound for what a change takes in an entry, without its handle. */
const CHANGE_BYTES = 512;

/** Of an entry, for what an operator's answer lists besides a checkpoint: moves, damaged files. */
export const SHARE_OF_ENTRY = 1 / 4;

/** What is left for the entry that completes the checkpoint, and how many pieces it counts. */
export interface LastPiece {
  readonly checkpointParts: number;
  readonly parts: readonly PartChange[];
}

/** Journals all pieces but the last one. Without a checkpoint that counts them they are void. */
export async function journalPieces(
  host: PartitionHost,
  checkpoint: number,
  parts: readonly PartChange[],
  bytesMax: number,
): Promise<LastPiece> {
  const pieces = inPieces(parts, bytesMax, bytesOfChange);
  const last = pieces.pop() ?? [];
  for (const [index, piece] of pieces.entries()) {
    await host.submit(() => [{ type: 'checkpointPart', checkpoint, index, parts: piece }]);
  }
  return { checkpointParts: pieces.length, parts: last };
}

const bytesOfChange = ({ handle }: PartChange): number =>
  CHANGE_BYTES + (handle === null ? 0 : JSON.stringify(handle).length);

/** In their order, each piece with at most so many bytes, or with one item. */
export function inPieces<T>(items: readonly T[], bytesMax: number, bytesOf: (item: T) => number): T[][] {
  const pieces: T[][] = [];
  let piece: T[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = bytesOf(item);
    if (piece.length > 0 && bytes + size > bytesMax) {
      pieces.push(piece);
      piece = [];
      bytes = 0;
    }
    piece.push(item);
    bytes += size;
  }
  if (piece.length > 0) pieces.push(piece);
  return pieces;
}
