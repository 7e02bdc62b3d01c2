/** The schedule's faults as the world asks for them: each at its count, each once. */
import type { Failpoint, FailpointSide } from '../src/system/failpoints.ts';
import type { AtFailpoint, SimProcess } from './process.ts';
import type { Fault, JournalFault, StoreFault } from './schedule.ts';

/** Faults with a time; the world applies them. */
export type TimedFault = Extract<Fault, { readonly atMs: number }>;
type CountedFault = Exclude<Fault, TimedFault>;

interface PlannedFault {
  readonly fault: CountedFault;
  readonly index: number;
  readonly call: string;
  /** Calls left until it takes place. */
  left: number;
}

export type CommitFault = 'lostReply' | 'lostRequest';

export type JournalCall = 'append' | 'read' | 'snapshot';

/** The kind of call that meets the fault. */
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
  /** By the name of the process that they are for. */
  readonly #counted = new Map<string, PlannedFault[]>();
  readonly timed: readonly { readonly fault: TimedFault; readonly index: number }[];
  readonly fired: boolean[];
  #toFire: number;
  /** Called for every fault that takes place. */
  readonly #onFired: (fault: Fault) => void;
  #ended = false;

  constructor(faults: readonly Fault[], onFired: (fault: Fault) => void = () => undefined) {
    this.#onFired = onFired;
    this.fired = faults.map(() => false);
    this.#toFire = faults.length;
    const timed: { fault: TimedFault; index: number }[] = [];
    for (const [index, fault] of faults.entries()) {
      if ('atMs' in fault) timed.push({ fault, index });
      else this.#plan(fault, index);
    }
    this.timed = timed;
  }

  #plan(fault: CountedFault, index: number): void {
    const name = `p${fault.process}.${fault.life}`;
    const planned = this.#counted.get(name) ?? [];
    planned.push({ fault, index, call: callOf(fault), left: fault.nth });
    this.#counted.set(name, planned);
  }

  /** From now on no fault takes place. */
  end(): void {
    this.#ended = true;
  }

  /** Records that the fault takes place now. */
  took({ fault, index }: { readonly fault: Fault; readonly index: number }): void {
    this.fired[index] = true;
    this.#toFire -= 1;
    this.#onFired(fault);
  }

  get allFired(): boolean {
    return this.#toFire === 0;
  }

  atFailpoint(process: SimProcess, point: Failpoint, side: FailpointSide): AtFailpoint {
    const fault = this.#next(process, `${point}:${side}`);
    if (fault?.type === 'crash') return { type: 'crash' };
    return fault?.type === 'pause' ? { type: 'pause', forMs: fault.forMs } : { type: 'go' };
  }

  /** Null: no fault. */
  atJournal(process: SimProcess, call: JournalCall): JournalFault | null {
    const fault = this.#next(process, `journal ${call}`);
    return fault?.type === 'journal' ? fault.fault : null;
  }

  atStore(process: SimProcess, point: Failpoint): StoreFault | null {
    const fault = this.#next(process, `store ${point}`);
    return fault?.type === 'store' ? fault.fault : null;
  }

  /** Whether this question for the topic's identity gets no answer. */
  atIdentity(process: SimProcess): boolean {
    return this.#next(process, 'identity') !== null;
  }

  atOffsetCommit(process: SimProcess): CommitFault | null {
    const fault = this.#next(process, 'offsetCommit');
    return fault?.type === 'offsetCommit' ? fault.fault : null;
  }

  /** Counts one more such call of the process. Null: no fault. */
  #next({ name }: SimProcess, call: string): CountedFault | null {
    const planned = this.#counted.get(name);
    if (planned === undefined || this.#ended) return null;
    let due: PlannedFault | null = null;
    for (const fault of planned) {
      if (fault.call !== call) continue;
      fault.left -= 1;
      if (fault.left === 0) due ??= fault;
    }
    if (due === null) return null;
    this.took(due);
    return due.fault;
  }
}

/** What the fault strikes, in the terms of the methods above. */
function callOf(fault: CountedFault): string {
  switch (fault.type) {
    case 'crash':
    case 'pause':
      return `${fault.point}:${fault.side}`;
    case 'journal':
      return `journal ${JOURNAL_CALLS[fault.fault.type]}`;
    case 'store':
      return `store ${fault.point}`;
    case 'offsetCommit':
    case 'identity':
      return fault.type;
  }
}
