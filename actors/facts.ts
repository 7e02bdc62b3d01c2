/** Facts that journaled events leave behind, in the shapes that the machines keep them. */
import type { LogTruncation, PartChange, RollReason } from '../journal/events.ts';
import type { PartId } from '../journal/ids.ts';

/** What the last completed checkpoint said of a file; bytes behind `length` do not exist. */
export type DurableFacts = Omit<PartChange, 'partId' | 'state' | 'roll'>;

export interface RollFacts {
  readonly reason: RollReason;
  readonly atMs: number;
}

/** Why a partition is stopped (P6): [fromOffset, toOffset) are the offsets concerned, null where the cause is no range. */
export interface StopFacts {
  readonly code: string;
  readonly message: string;
  readonly fromOffset: bigint | null;
  readonly toOffset: bigint | null;
  readonly files: readonly string[];
  /** Where the source's log went back; null for every other cause. */
  readonly truncation: LogTruncation | null;
}

/** Outward actions that follow from adopting an event; the host runs them, replay does not. */
export type Effect =
  | { readonly type: 'publishPart'; readonly partId: PartId }
  | { readonly type: 'discardPart'; readonly partId: PartId };
