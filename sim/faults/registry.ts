/** Every kind of fault by its name. */
import { z } from 'zod';
import type { Fault, StoreKind } from '../schedule.ts';
import { CONFIG_FAULTS } from './configFaults.ts';
import { JOURNAL_FAULTS } from './journalFaults.ts';
import { KAFKA_FAULTS } from './kafkaFaults.ts';
import { LOG_FAULTS } from './logFaults.ts';
import type { DrawContext, FaultKind, KindsOf, WorldHands } from './kind.ts';
import { OPERATOR_FAULTS } from './operatorFaults.ts';
import { PROCESS_FAULTS } from './processFaults.ts';
import { SERVICE_FAULTS } from './serviceFaults.ts';
import { TOPIC_FAULTS } from './topicFaults.ts';
import { STORE_FAULTS } from './storeFaults.ts';

export const FAULT_KINDS: KindsOf<Fault['type']> = {
  ...PROCESS_FAULTS,
  ...SERVICE_FAULTS,
  ...STORE_FAULTS,
  ...KAFKA_FAULTS,
  ...OPERATOR_FAULTS,
  ...JOURNAL_FAULTS,
  ...LOG_FAULTS,
  ...TOPIC_FAULTS,
  ...CONFIG_FAULTS,
};

export const FAULT_TYPES = Object.keys(FAULT_KINDS) as readonly Fault['type'][];

/** The kind of a fault. */
function kindOf(type: Fault['type']): FaultKind {
  return FAULT_KINDS[type];
}

/** Kinds that are drawn on their own, each in proportion to its weight. */
export const DRAWN_TYPES = FAULT_TYPES.filter((type) => kindOf(type).weight > 0);

export function isHarm(type: Fault['type']): boolean {
  return kindOf(type).isHarm === true;
}

/** Whether a world with this store can have it. */
export function isOf(type: Fault['type'], store: StoreKind): boolean {
  return kindOf(type).stores?.includes(store) ?? true;
}

export function weightOf(type: Fault['type']): number {
  return kindOf(type).weight;
}

export function drawFaultOf(type: Fault['type'], context: DrawContext): Fault {
  return kindOf(type).draw(context);
}

export function faultWords(fault: Fault): string {
  return kindOf(fault.type).words(fault);
}

export function strike(fault: Fault, world: WorldHands): void {
  kindOf(fault.type).strike?.(fault, world);
}

export const faultSchema: z.ZodType<Fault> = z.union(
  FAULT_TYPES.map((type) => kindOf(type).schema) as [z.ZodType<Fault>, ...z.ZodType<Fault>[]],
);
