/**
 * The consumer group as its coordinator keeps it: members, generations, assignments, committed offsets. Eager rebalancing: a
 * new generation begins when every member has joined again; who does not is expelled when its session has run out.
 */
import type { Scheduler } from '../scheduler.ts';

export interface Assignment {
  readonly memberId: string;
  readonly generation: number;
  /** Partition numbers. */
  readonly partitions: readonly number[];
}

export type HeartbeatReply = 'ok' | 'rebalancing' | 'unknown';
export type CommitReply = 'ok' | 'outdated';

export interface CommittedOffset {
  readonly offset: bigint;
  readonly metadata: string;
}

interface Member {
  readonly id: string;
  lastSeenMs: number;
  /** Set while its join waits for the others. */
  answer: ((assignment: Assignment) => void) | null;
  partitions: readonly number[];
}

export class SimGroup {
  readonly #scheduler: Scheduler;
  readonly #partitions: number;
  readonly #sessionMs: number;
  readonly #members = new Map<string, Member>();
  readonly #committed = new Map<number, CommittedOffset>();
  #generation = 0;
  #rebalancing = false;

  constructor(scheduler: Scheduler, partitions: number, sessionMs: number) {
    this.#scheduler = scheduler;
    this.#partitions = partitions;
    this.#sessionMs = sessionMs;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Members whose join is not waiting, with what they own. */
  get owners(): readonly Assignment[] {
    return [...this.#members.values()].map((member) => this.#assignmentOf(member));
  }

  /** The answer comes when all members have joined; for a member of a stable group at once. */
  join(id: string, answer: (assignment: Assignment) => void): void {
    const known = this.#members.get(id);
    const member = known ?? { id, lastSeenMs: 0, answer: null, partitions: [] };
    member.lastSeenMs = this.#scheduler.nowMs;
    if (known !== undefined && !this.#rebalancing) {
      answer(this.#assignmentOf(member));
      return;
    }
    member.answer = answer;
    if (known === undefined) {
      this.#members.set(id, member);
      this.#watch(member, this.#sessionMs);
    }
    this.rebalance();
  }

  heartbeat(id: string, generation: number): HeartbeatReply {
    const member = this.#members.get(id);
    if (member === undefined || generation !== this.#generation) return 'unknown';
    member.lastSeenMs = this.#scheduler.nowMs;
    return this.#rebalancing ? 'rebalancing' : 'ok';
  }

  leave(id: string): void {
    if (this.#members.delete(id)) this.rebalance();
  }

  /** Like Kafka it does not ask whether the partition is the member's own. */
  commit(id: string, generation: number, partition: number, committed: CommittedOffset): CommitReply {
    if (!this.#members.has(id) || generation !== this.#generation) return 'outdated';
    this.#committed.set(partition, committed);
    return 'ok';
  }

  committed(partition: number): CommittedOffset | null {
    return this.#committed.get(partition) ?? null;
  }

  /** Asks every member to join again. */
  rebalance(): void {
    this.#rebalancing = this.#members.size > 0;
    this.#completeIfAllJoined();
  }

  /** The brokers answer nobody until then: no session runs out meanwhile. */
  holdSessions(untilMs: number): void {
    for (const member of this.#members.values()) member.lastSeenMs = Math.max(member.lastSeenMs, untilMs);
  }

  #completeIfAllJoined(): void {
    const members = [...this.#members.values()];
    if (!this.#rebalancing || members.some(({ answer }) => answer === null)) return;
    this.#rebalancing = false;
    this.#generation += 1;
    // Assignors promise no stickiness: where the turn begins is drawn.
    const first = this.#scheduler.random.below(members.length);
    for (const [index, member] of members.entries()) {
      const turn = (index + first) % members.length;
      member.partitions = numbersTo(this.#partitions).filter((number) => number % members.length === turn);
      member.lastSeenMs = this.#scheduler.nowMs;
    }
    for (const member of members) {
      const { answer } = member;
      member.answer = null;
      answer?.(this.#assignmentOf(member));
    }
  }

  #assignmentOf({ id, partitions }: Member): Assignment {
    return { memberId: id, generation: this.#generation, partitions };
  }

  /** Expels the member when its session has run out; not while it waits for the others to join. */
  #watch(member: Member, afterMs: number): void {
    this.#scheduler.after(afterMs, null, () => {
      if (this.#members.get(member.id) !== member) return;
      const leftMs = member.lastSeenMs + this.#sessionMs - this.#scheduler.nowMs;
      if (member.answer !== null) this.#watch(member, this.#sessionMs);
      else if (leftMs > 0) this.#watch(member, leftMs);
      else this.leave(member.id);
    });
  }
}

function numbersTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
