/** What the router of a partition waits for in the middle of a batch. */
import { NoRoomYet } from '../sources/unpackRoom.ts';
import type { PartWriter } from './partWriter.ts';

export interface Done {
  readonly type: 'done';
}
export type Pause =
  | Done
  | { readonly type: 'bucket'; readonly slot: number }
  /** `isHeld`: the record at the cursor was not processed. */
  | { readonly type: 'behind'; readonly writer: PartWriter; readonly isHeld: boolean }
  /** What follows needs memory that others hold. */
  | { readonly type: 'room'; readonly whenRoom: Promise<void> };

/** Throws the error if there is nothing to wait for. */
export function pauseAfter(error: unknown): Pause {
  if (error instanceof NoRoomYet) return { type: 'room', whenRoom: error.whenRoom };
  throw error;
}
