/**
 * The consumer group as its coordinator keeps it: members, generations, assignments, committed offsets. Eager
 * rebalancing: a new generation begins when every member has joined again; a member that does not is expelled
 * when its session expires.
 */
import { partitionName, type TopicPartition } from '../../journal/ids.ts';
import { assignPartitions, spread } from '../../src/sources/kafka/group/assignment.ts';
import type { Scheduler } from '../scheduler.ts';
import type { SimTopics } from './topics.ts';

export interface Assignment {
  readonly memberId: string;
  readonly generation: number;
  /** Partition numbers. */
  readonly partitions: readonly number[];
  /** To be taken over but not read: no configuration names them any more. */
  readonly unnamed: readonly TopicPartition[];
}

/** Asks a member, as the leader, which partitions owe files, of those whose names are not in `assigned`. */
export type Lead = (
  assigned: ReadonlySet<string>,
  told: (unnamed: readonly TopicPartition[]) => void,
) => void;

export interface Joining {
  readonly topics: readonly string[];
  readonly lead: Lead;
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
  unnamed: readonly TopicPartition[];
  joining: Joining;
}

/** How long the group waits for what its leader asks the journal. */
const LED_MS = 5_000;

export class SimGroup {
  readonly #scheduler: Scheduler;
  readonly #topics: SimTopics;
  readonly #sessionMs: number;
  readonly #members = new Map<string, Member>();
  readonly #committed = new Map<number, CommittedOffset>();
  #generation = 0;
  #rebalancing = false;
  /** Numbers the questions to leaders: a later rebalance makes the answer void. */
  #led = 0;

  constructor(scheduler: Scheduler, topics: SimTopics, sessionMs: number) {
    this.#scheduler = scheduler;
    this.#topics = topics;
    this.#sessionMs = sessionMs;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Members whose join is not waiting, with what they own. */
  get owners(): readonly Assignment[] {
    return [...this.#members.values()].map((member) => this.#assignmentOf(member));
  }

  /** The answer comes when all members have joined; for a member of a stable group, at once. */
  join(id: string, joining: Joining, answer: (assignment: Assignment) => void): void {
    const known = this.#members.get(id);
    const member = known ?? { id, lastSeenMs: 0, answer: null, partitions: [], unnamed: [], joining };
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

  /** Like Kafka, it does not check whether the member owns the partition. */
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
    this.#led += 1;
    this.#completeIfAllJoined();
  }

  /** The brokers answer nobody until then: no session expires meanwhile. */
  holdSessions(untilMs: number): void {
    for (const member of this.#members.values()) member.lastSeenMs = Math.max(member.lastSeenMs, untilMs);
  }

  #completeIfAllJoined(): void {
    const members = [...this.#members.values()];
    if (!this.#rebalancing || members.some(({ answer }) => answer === null)) return;
    // Who is first by its id is chance: the start of the rotation is drawn.
    const first = this.#scheduler.random.below(members.length);
    const turned = [...members.slice(first), ...members.slice(0, first)];
    const given = this.#assign(turned);
    const assigned = new Set(
      [...given.values()].flat().map((partition) => partitionName(this.#topics.at(partition))),
    );
    const finish = (unnamed: readonly TopicPartition[]): void => {
      this.#complete(
        members,
        given,
        spread(
          unnamed,
          turned.map(({ id }) => id),
        ),
      );
    };
    if (this.#topics.isAllOf(assigned)) finish([]);
    else this.#ask(turned, assigned, finish);
  }

  /** The real assignment, in the drawn order of the members. */
  #assign(members: readonly Member[]): ReadonlyMap<string, readonly number[]> {
    const names = new Map(members.map(({ id }, index) => [`${index}`.padStart(3, '0'), id]));
    const topics = [...new Set(members.flatMap(({ joining }) => joining.topics))];
    const numbers = new Map(topics.map((topic) => [topic, this.#topics.numbersOf(topic)]));
    const given = assignPartitions(
      [...names.keys()].map((memberId, index) => ({
        memberId,
        topics: members[index]?.joining.topics ?? [],
        // The worst case, as where an older version leads: no partition stays but by chance.
        held: null,
      })),
      new Map([...numbers].map(([topic, { length }]) => [topic, length])),
    );
    return new Map(
      [...given].map(([memberId, partitions]) => [
        names.get(memberId) ?? '',
        partitions.flatMap(({ topic, partition }) => numbers.get(topic)?.[partition] ?? []),
      ]),
    );
  }

  /** Does not wait for a leader that dies, or whose journal is away. */
  #ask(
    [leader]: readonly Member[],
    assigned: ReadonlySet<string>,
    finish: (unnamed: readonly TopicPartition[]) => void,
  ): void {
    this.#led += 1;
    const asked = this.#led;
    const told = (unnamed: readonly TopicPartition[]): void => {
      if (this.#led !== asked || !this.#rebalancing) return;
      this.#led += 1;
      finish(unnamed);
    };
    leader?.joining.lead(assigned, told);
    this.#scheduler.after(LED_MS, null, () => {
      told([]);
    });
  }

  #complete(
    members: readonly Member[],
    given: ReadonlyMap<string, readonly number[]>,
    unnamed: ReadonlyMap<string, readonly TopicPartition[]>,
  ): void {
    this.#rebalancing = false;
    this.#generation += 1;
    for (const member of members) {
      member.partitions = given.get(member.id) ?? [];
      member.unnamed = unnamed.get(member.id) ?? [];
      member.lastSeenMs = this.#scheduler.nowMs;
    }
    for (const member of members) {
      const { answer } = member;
      member.answer = null;
      answer?.(this.#assignmentOf(member));
    }
  }

  #assignmentOf({ id, partitions, unnamed }: Member): Assignment {
    return { memberId: id, generation: this.#generation, partitions, unnamed };
  }

  /** Expels the member when its session expires, but not while it waits for the others to join. */
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
