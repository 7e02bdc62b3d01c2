/**
 * What one run reached: transitions of the machines, and combinations of the state of a partition, the
 * failpoint passed and the fault that took place. A schedule that reached something new is worth varying.
 */
import type { Failpoint, FailpointSide } from '../src/system/failpoints.ts';
import type { Fault } from './schedule.ts';

/** How long an event may be related to a fault, and two faults to each other. */
const MEMORY_MS = 2_000;
const MOMENTS_MAX = 48;
/** Steps after which a fault may find something half done. */
const TELLING_STEPS: readonly string[] = [
  'epochClaimed',
  'settled',
  'checkpointStarted',
  'checkpointCompleted',
  'partOpened',
  'partMoved',
  'fenced',
];

/** Plain data: threads pass it on. */
export interface Reached {
  /** Of machines: `partition running checkpointStarted checkpointing`. */
  readonly transitions: readonly string[];
  /** Combinations, as numbers. */
  readonly features: Uint32Array;
  /** Virtual times of events at which a fault is interesting. */
  readonly moments: readonly number[];
}

export class Reach {
  readonly #nowMs: () => number;
  readonly #transitions = new Set<string>();
  readonly #features = new Set<string>();
  readonly #moments = new Set<number>();
  /** The last faults, with their times. */
  #faults: readonly { readonly label: string; readonly atMs: number }[] = [];
  /** State of the partition that a process dealt with last. */
  readonly #stands = new Map<string, string>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  stepped(process: string, machine: string, from: string, event: string, to: string): void {
    const transition = `${machine} ${from} ${event} ${to}`;
    this.#transitions.add(transition);
    if (machine === 'partition') this.#stands.set(process, to);
    this.#feature(`${transition}|${this.#lastFaults}`);
    if (TELLING_STEPS.includes(event)) this.#moment();
  }

  passed(process: string, point: Failpoint, side: FailpointSide): void {
    const stands = this.#stands.get(process) ?? '-';
    this.#feature(`${point}:${side}|${stands}|${this.#lastFaults}`);
    if (side === 'before') this.#moment();
  }

  struck(fault: Fault): void {
    const label = labelOf(fault);
    const atMs = this.#nowMs();
    const recent = this.#faults.filter((before) => atMs - before.atMs <= MEMORY_MS);
    for (const before of recent) this.#feature(`${before.label}>${label}`);
    const stands = [...this.#stands.values()].sort().join(',');
    this.#feature(`${label}@${stands}`);
    this.#faults = [...recent.slice(-1), { label, atMs }];
    this.#moment();
  }

  get #lastFaults(): string {
    const last = this.#faults.at(-1);
    return last === undefined || this.#nowMs() - last.atMs > MEMORY_MS ? '-' : last.label;
  }

  #moment(): void {
    if (this.#moments.size < MOMENTS_MAX) this.#moments.add(this.#nowMs());
  }

  #feature(text: string): void {
    this.#features.add(text);
  }

  get reached(): Reached {
    return {
      transitions: [...this.#transitions].sort(),
      features: Uint32Array.from(new Set([...this.#features].map(hashOf))),
      moments: [...this.#moments],
    };
  }
}

/** The fault's kind, as precise as matters. */
function labelOf(fault: Fault): string {
  switch (fault.type) {
    case 'journal':
      return `journal.${fault.fault.type}`;
    case 'store':
      return `store.${fault.fault}`;
    case 'away':
      return `away.${fault.service}`;
    case 'request':
      return `request.${fault.asks}`;
    default:
      return fault.type;
  }
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
