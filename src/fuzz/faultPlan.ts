/** The schedule's faults as the world asks for them: each at its own count, each once. */
import type { Failpoint, FailpointSide } from '../failpoints.ts';
import type { AtFailpoint, SimProcess } from './process.ts';
import type { Fault, JournalFault, StoreFault } from './schedule.ts';

/** Faults with a time of their own; the world lets them happen. */
export type TimedFault = Extract<Fault, { readonly atMs: number }>;
type CountedFault = Exclude<Fault, TimedFault>;

export type CommitFault = 'lostReply' | 'lostRequest';

export type JournalCall = 'append' | 'read' | 'snapshot';

/** Which call of the journal meets the fault. */
const JOURNAL_CALLS: Readonly<Record<JournalFault['type'], JournalCall>> = {
  lostReply: 'append',
  lostRequest: 'append',
  late: 'append',
  refused: 'append',
  staleRead: 'read',
  brokenRead: 'read',
  lostSnapshot: 'snapshot',
  staleSnapshot: 'snapshot',
  damagedSnapshot: 'snapshot',
};

export class FaultPlan {
  readonly #counted = new Map<string, { readonly fault: CountedFault; readonly index: number }[]>();
  readonly timed: readonly { readonly fault: TimedFault; readonly index: number }[];
  readonly #counts = new Map<string, number>();
  readonly fired: boolean[];
  /** Told of every fault that takes place. */
  readonly #onFired: (fault: Fault) => void;
  #ended = false;

  constructor(faults: readonly Fault[], onFired: (fault: Fault) => void = () => undefined) {
    this.#onFired = onFired;
    this.fired = faults.map(() => false);
    const timed: { fault: TimedFault; index: number }[] = [];
    for (const [index, fault] of faults.entries()) {
      if ('atMs' in fault) timed.push({ fault, index });
      else this.#plan(fault, index);
    }
    this.timed = timed;
  }

  #plan(fault: CountedFault, index: number): void {
    const key = keyOf(fault);
    const planned = this.#counted.get(key) ?? [];
    planned.push({ fault, index });
    this.#counted.set(key, planned);
  }

  /** From now on nothing goes wrong any more. */
  end(): void {
    this.#ended = true;
  }

  /** The fault takes place now. */
  took({ fault, index }: { readonly fault: Fault; readonly index: number }): void {
    this.fired[index] = true;
    this.#onFired(fault);
  }

  get allFired(): boolean {
    return this.fired.every((fired) => fired);
  }

  atFailpoint(process: SimProcess, point: Failpoint, side: FailpointSide): AtFailpoint {
    const fault = this.#next(`${process.name} ${point}:${side}`);
    if (fault?.type === 'crash') return { type: 'crash' };
    return fault?.type === 'pause' ? { type: 'pause', forMs: fault.forMs } : { type: 'go' };
  }

  /** Null: it goes well. */
  atJournal(process: SimProcess, call: JournalCall): JournalFault | null {
    const fault = this.#next(`${process.name} journal ${call}`);
    return fault?.type === 'journal' ? fault.fault : null;
  }

  atStore(process: SimProcess, point: Failpoint): StoreFault | null {
    const fault = this.#next(`${process.name} store ${point}`);
    return fault?.type === 'store' ? fault.fault : null;
  }

  /** Whether this question for the topic's identity gets no answer. */
  atIdentity(process: SimProcess): boolean {
    return this.#next(`${process.name} identity`) !== null;
  }

  atOffsetCommit(process: SimProcess): CommitFault | null {
    const fault = this.#next(`${process.name} offsetCommit`);
    return fault?.type === 'offsetCommit' ? fault.fault : null;
  }

  #next(key: string): CountedFault | null {
    const planned = this.#counted.get(key);
    if (planned === undefined || this.#ended) return null;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    const due = planned.find(({ fault }) => fault.nth === count);
    if (due === undefined) return null;
    this.took(due);
    return due.fault;
  }
}

function keyOf(fault: CountedFault): string {
  const name = `p${fault.process}.${fault.life}`;
  switch (fault.type) {
    case 'crash':
    case 'pause':
      return `${name} ${fault.point}:${fault.side}`;
    case 'journal':
      return `${name} journal ${JOURNAL_CALLS[fault.fault.type]}`;
    case 'store':
      return `${name} store ${fault.point}`;
    case 'offsetCommit':
    case 'identity':
      return `${name} ${fault.type}`;
  }
}
