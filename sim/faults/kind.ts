/**
 * What a kind of fault is to the world: how one is drawn, read from a file, told in words, and, where it has a time of its own, what it
 * does. To add a kind: its type in the union of schedule.ts, an entry in one of the files beside this one, and that file's name in
 * registry.ts. Draw, mutation, `--schedule`, shrinking, report and coverage follow.
 */
import type { z } from 'zod';
import type { ErrorCode } from '../../journal/errors.ts';
import type { OperatorRequest } from '../../journal/events.ts';
import type { JobChange } from '../jobChange.ts';
import type { SimProcess } from '../process.ts';
import type { SeededRandom } from '../random.ts';
import type { Fault, StoreKind, WorldConfig } from '../schedule.ts';
import type { SimJournalServer } from '../simJournal.ts';
import type { SimKafka } from '../simKafka.ts';
import type { SimStoreServer } from '../simStores/port.ts';

/** Places that processes may run in; operators have one of their own behind them. */
export const PLACES_MAX = 4;
export const OPERATOR_PLACE = PLACES_MAX;

/** What a fault is drawn for. */
export interface DrawContext {
  readonly random: SeededRandom;
  readonly store: StoreKind;
  readonly processes: number;
  readonly partitions: number;
}

export interface FaultKind<F extends Fault = Fault> {
  /** How often it is drawn beside the others; 0: only by stories. */
  readonly weight: number;
  /** Of what only some stores have; absent: of all. */
  readonly stores?: readonly StoreKind[];
  /** It ends in a stop that is right, and hides what others would have shown: few schedules have one. */
  readonly isHarm?: true;
  readonly schema: z.ZodType<F>;
  draw(context: DrawContext): F;
  words(fault: F): string;
  /** What happens when its time has come; absent where it waits for a count of calls instead. */
  strike?(fault: F, world: WorldHands): void;
}

export type KindsOf<T extends Fault['type']> = { readonly [K in T]: FaultKind<Fault & { readonly type: K }> };

/**
 * What a fault takes away for good. From then on stops with one of the codes are right; a partition that has stopped so need not be
 * complete, and what is left at the destination may be left.
 */
export interface Harm {
  readonly type: Fault['type'];
  readonly atMs: number;
  /** Null: of every partition. */
  readonly partition: number | null;
  readonly codes: readonly ErrorCode[];
  /** From then on nobody may claim the partition any more: its journal is broken, and a broken claimer fences nobody. */
  readonly noClaimFromMs?: number;
}

/** What a fault may do to the world. */
export interface WorldHands {
  readonly config: WorldConfig;
  readonly nowMs: number;
  /** For what the harm itself draws. */
  readonly random: SeededRandom;
  readonly journal: SimJournalServer;
  readonly kafka: SimKafka;
  readonly store: SimStoreServer;
  processAt(place: number): SimProcess | null;
  start(place: number): void;
  stop(place: number): void;
  killAll(): void;
  /** An operator answers for journals that went back. */
  answer(forMs: number, from: 'journal' | 'witness', acceptLoss: boolean): void;
  /** A reader takes files away for a time. */
  read(everyMs: number, forMs: number, isHasty: boolean): void;
  /** Backups of hard links are taken of the destination for a time. */
  backUp(everyMs: number, forMs: number): void;
  /** The destination's disk has room for so much more, and for whatever comes after that time. */
  fill(freeBytes: number, forMs: number, withJournal: boolean): void;
  powerCut(): void;
  /** Something that the fault began goes on until then: the faults are not over before. */
  lasts(untilMs: number): void;
  /** An operator files this for the partition; bytes are filed as they are. */
  request(partition: number, request: OperatorRequest | Uint8Array): void;
  harmed(harm: Omit<Harm, 'atMs'>): void;
  /** A log was cut: that as many records can be seen as were sent says nothing any more. */
  logCut(): void;
  /** Records may stay unread, rightly. */
  mayBeUnread(): void;
  /** The job file of the place is edited: the next process goes by it. */
  configure(place: number, change: JobChange): void;
  /** The process in the place drains and starts again; one starts where there is none. */
  restart(place: number): void;
  /** The journal of the world has lost its entries from this revision on. */
  journalCut(revision: number): void;
}
