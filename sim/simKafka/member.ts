/**
 * A process's membership in the group, as its client keeps it: joins, sends heartbeats, joins again on
 * request. After a rebalance it keeps its previous assignment until it learns of the new one.
 */
import type { SimProcess } from '../process.ts';
import type { TopicPartition } from '../../journal/ids.ts';
import type { Assignment, Lead, SimGroup } from './group.ts';

type Unfinished = (assigned: ReadonlySet<string>) => Promise<readonly TopicPartition[]>;

export interface MemberContext {
  readonly process: SimProcess;
  readonly group: SimGroup;
  readonly heartbeatMs: number;
  /** Asks the brokers until they answer. */
  readonly ask: <T>(question: () => T) => Promise<T>;
  readonly topics: readonly string[];
  readonly assigned: (assignment: Assignment) => void;
  /** Of the partitions whose names are not given: those that owe files. */
  readonly unfinished: Unfinished;
  /** Called for every id, so that a later process can make a dead member leave. */
  readonly named: (memberId: string) => void;
}

export class SimMember {
  readonly #context: MemberContext;
  readonly #joinWaiters = new Set<() => void>();
  #generation: Assignment | null = null;
  #memberId: string | null = null;
  #ids = 0;
  #left = false;

  constructor(context: MemberContext) {
    this.#context = context;
  }

  /** The last assignment of the group; null before the first join. */
  get generation(): Assignment | null {
    return this.#generation;
  }

  /** Resolves with the first assignment. */
  async start(): Promise<void> {
    const joined = this.nextJoin();
    this.#join();
    await joined;
  }

  /** Resolves at the next assignment, or after it has left. */
  nextJoin(): Promise<void> {
    return new Promise((resolve) => {
      this.#joinWaiters.add(resolve);
    });
  }

  async leave(): Promise<void> {
    this.#left = true;
    this.#wakeJoinWaiters();
    const id = this.#memberId;
    if (id === null) return;
    await this.#context.ask(() => {
      this.#context.group.leave(id);
    });
  }

  #join(): void {
    const { process, group, named, topics } = this.#context;
    if (this.#memberId === null) {
      this.#ids += 1;
      this.#memberId = `${process.name}-m${this.#ids}`;
      named(this.#memberId);
    }
    const id = this.#memberId;
    void this.#context.ask(() => {
      const lead: Lead = (assigned, told) => {
        process.scheduler.after(process.drawFare().backMs, process, () => {
          void this.#lead(assigned, told);
        });
      };
      group.join(id, { topics, lead }, (assignment) => {
        process.scheduler.after(process.drawFare().backMs, process, () => {
          this.#joined(assignment);
        });
      });
    });
  }

  /**
   * As the group's leader: partitions that nobody is given, and that owe files. Without an answer the group
   * waits no longer than it would for the journal.
   */
  async #lead(
    assigned: ReadonlySet<string>,
    told: (unnamed: readonly TopicPartition[]) => void,
  ): Promise<void> {
    const { process, unfinished } = this.#context;
    let found: readonly TopicPartition[] = [];
    try {
      found = await unfinished(assigned);
    } catch {
      // As the real leader does if the journal does not answer: the next rebalance asks again.
    }
    await process.call(process.drawFare(), () => {
      told(found);
    });
  }

  #joined(assignment: Assignment): void {
    if (this.#left || assignment.memberId !== this.#memberId) return;
    this.#generation = assignment;
    this.#context.assigned(assignment);
    this.#wakeJoinWaiters();
    this.#armHeartbeat(assignment);
  }

  #armHeartbeat(assignment: Assignment): void {
    const { process, heartbeatMs } = this.#context;
    process.clock.timer(heartbeatMs, () => {
      if (!this.#left && this.#generation === assignment) void this.#heartbeat(assignment);
    });
  }

  async #heartbeat(assignment: Assignment): Promise<void> {
    const { group, ask } = this.#context;
    const reply = await ask(() => group.heartbeat(assignment.memberId, assignment.generation));
    if (this.#left || this.#generation !== assignment) return;
    if (reply === 'ok') this.#armHeartbeat(assignment);
    else {
      if (reply === 'unknown') this.#memberId = null;
      this.#join();
    }
  }

  #wakeJoinWaiters(): void {
    for (const resolve of this.#joinWaiters) resolve();
    this.#joinWaiters.clear();
  }
}
