/** Facts from journaled events, in the form in which the machines keep them. */
import type { LogTruncation, PartChange, RollReason } from '../journal/events.ts';
import type { PartId } from '../journal/ids.ts';

/** State of a file as of its last completed checkpoint. Bytes after `length` do not exist. */
export type DurableFacts = Omit<PartChange, 'partId' | 'state' | 'roll'>;

export interface RollFacts {
  readonly reason: RollReason;
  readonly atMs: number;
}

/**
 * Why a partition is stopped (P6). [fromOffset, toOffset) are the affected offsets; null if the cause is not
 * a range.
 */
export interface StopFacts {
  readonly code: string;
  readonly message: string;
  readonly fromOffset: bigint | null;
  readonly toOffset: bigint | null;
  readonly files: readonly string[];
  /** Where the source's log was truncated; null for every other cause. */
  readonly truncation: LogTruncation | null;
}

/** Outward actions that follow from adopting an event. The host runs them; replay does not. */
export type Effect =
  | { readonly type: 'publishPart'; readonly partId: PartId }
  | { readonly type: 'discardPart'; readonly partId: PartId };
