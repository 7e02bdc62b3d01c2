/**
 * A kind of fault: how the world draws it, reads it from a file, describes it, and, if it has a time, applies
 * it. To add a kind: its type in the union of schedule.ts, an entry in one of the files of this folder, and
 * that file's name in registry.ts. Draw, mutation, `--schedule`, shrinking, report and coverage follow.
 */
import type { z } from 'zod';
import type { ErrorCode } from '../../journal/errors.ts';
import type { OperatorRequest } from '../../journal/events.ts';
import type { JobChange } from '../job/change.ts';
import type { SimProcess } from '../process.ts';
import type { SeededRandom } from '../random.ts';
import type { Fault, Schedule, StoreKind, TracedEntry, WorldConfig } from '../schedule.ts';
import type { SimJournalServer } from '../simJournalServer.ts';
import type { SimKafka } from '../simKafka.ts';
import type { SimStoreServer } from '../simStores/port.ts';

/** Places that processes may run in; the operators' place follows them. */
export const PLACES_MAX = 4;
export const OPERATOR_PLACE = PLACES_MAX;

/** The context in which a fault is drawn. */
export interface DrawContext {
  readonly random: SeededRandom;
  readonly store: StoreKind;
  readonly processes: number;
  readonly partitions: number;
}

export interface FaultKind<F extends Fault = Fault> {
  /** How often it is drawn relative to others; 0: only by stories. */
  readonly weight: number;
  /** Only with these stores; absent: with all. */
  readonly stores?: readonly StoreKind[];
  /** It ends in a rightful stop, and hides what other faults would have shown: few schedules have one. */
  readonly isHarm?: true;
  readonly schema: z.ZodType<F>;
  draw(context: DrawContext): F;
  words(fault: F): string;
  /** Applies the fault at its time; absent if it waits for a count of calls instead. */
  strike?(fault: F, world: WorldHands): void;
}

export type KindsOf<T extends Fault['type']> = { readonly [K in T]: FaultKind<Fault & { readonly type: K }> };

/**
 * What a fault destroys permanently. From then on, stops with one of the codes are right. A partition that
 * stopped with one need not be complete, and may leave files at the destination.
 */
export interface Harm {
  readonly type: Fault['type'];
  readonly atMs: number;
  /** Null: of every partition. */
  readonly partition: number | null;
  readonly codes: readonly ErrorCode[];
  /**
   * From then on nobody may claim the partition: its journal is broken, and a broken claimer fences nobody.
   */
  readonly noClaimFromMs?: number;
  /** An operator's answer makes everything complete again: a stop does not last. */
  readonly isMendable?: boolean;
}

/** What a fault may do to the world. */
export interface WorldHands {
  readonly config: WorldConfig;
  readonly schedule: Schedule;
  /** The journal as it stands. */
  readonly entries: readonly TracedEntry[];
  readonly nowMs: number;
  /** For the fault's own draws. */
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
  /** From now on, an operator asks for a repair wherever files are damaged. */
  repair(): void;
  /** A reader takes files away for a time. */
  read(everyMs: number, forMs: number, isHasty: boolean): void;
  /** Backups of hard links are taken of the destination for a time. */
  backUp(everyMs: number, forMs: number): void;
  /** The destination's disk has room for that many bytes more; after that time for any number. */
  fill(freeBytes: number, forMs: number, withJournal: boolean): void;
  powerCut(): void;
  /** An effect of the fault lasts until then: the faults are not over before. */
  lasts(untilMs: number): void;
  /** An operator files this for the partition; bytes are filed unchanged. */
  request(partition: number, request: OperatorRequest | Uint8Array): void;
  harmed(harm: Omit<Harm, 'atMs'>): void;
  /** A log was cut: comparing the numbers of visible and sent records is no longer meaningful. */
  logCut(): void;
  /** Records may rightly stay unread. */
  mayBeUnread(): void;
  /** The job file of the place is edited: the next process uses it. */
  configure(place: number, change: JobChange): void;
  /** The process in the place drains and starts again; if there is none, one starts. */
  restart(place: number): void;
  /** An operator removes what nobody needs, and waits so long before the first removal. */
  sweep(waitMs: number): void;
  /** The journal of the world has lost its entries from this revision on. */
  journalCut(revision: number): void;
}
