/**
 * Virtual time, and the one queue through which everything in the world happens: the same seed gives the same
 * order. All promises settle between two tasks, so that a task sees the consequences of the previous one.
 */
import type { SeededRandom } from './random.ts';

export interface Task {
  readonly atMs: number;
  /** Drawn: tasks of one moment run in any order, but always in the same for a seed. */
  readonly rank: number;
  /** Null: the world's own. */
  readonly owner: TaskOwner | null;
  readonly run: () => void;
  isCancelled: boolean;
}

/** The owner of a task: a dead one runs nothing more, a paused one runs it when it wakes. */
export interface TaskOwner {
  readonly dead: boolean;
  readonly pausedUntilMs: number;
}

/** In one round of the event loop. */
const TURNS = 64;

export type EndReason = 'done' | 'idle' | 'tasks' | 'time';

export class Scheduler {
  readonly random: SeededRandom;
  #nowMs = 0;
  #heap: Task[] = [];
  /** Tasks that came due while their owner was paused, in that order. */
  readonly #parked = new Map<TaskOwner, Task[]>();
  #tasksRun = 0;
  /** Includes those that had no effect. */
  #tasksTaken = 0;

  constructor(random: SeededRandom) {
    this.random = random;
  }

  /** Virtual monotonic milliseconds. */
  get nowMs(): number {
    return this.#nowMs;
  }

  get tasksRun(): number {
    return this.#tasksRun;
  }

  /** Runs it after `delayMs` of virtual time, unless it is cancelled or its owner is dead by then. */
  after(delayMs: number, owner: TaskOwner | null, run: () => void): { cancel(): void } {
    const atMs = this.#nowMs + Math.max(0, delayMs);
    const task: Task = { atMs, rank: this.random.uint32(), owner, run, isCancelled: false };
    this.#push(task);
    return {
      cancel: () => {
        task.isCancelled = true;
      },
    };
  }

  /** Continues until `done`, until nothing is left, or until a limit of the run. */
  run(
    done: () => boolean,
    limits: { readonly tasksMax: number; readonly untilMs: number },
  ): Promise<EndReason> {
    const tasksEnd = this.#tasksTaken + limits.tasksMax;
    return inTurns(() => this.#runNext(done, tasksEnd, limits.untilMs));
  }

  /** Runs one task, or returns why there is none to run. */
  #runNext(done: () => boolean, tasksEnd: number, untilMs: number): EndReason | null {
    for (;;) {
      if (done()) return 'done';
      if (this.#tasksTaken >= tasksEnd) return 'tasks';
      const task = this.#pop();
      if (task === undefined) return 'idle';
      if (task.atMs > untilMs) {
        this.#push(task);
        this.#nowMs = untilMs;
        return 'time';
      }
      this.#tasksTaken += 1;
      this.#nowMs = Math.max(this.#nowMs, task.atMs);
      if (this.#runTask(task)) return null;
    }
  }

  /** False if nothing ran. */
  #runTask(task: Task): boolean {
    const { owner } = task;
    if (task.isCancelled || owner?.dead === true) return false;
    if (owner !== null && owner.pausedUntilMs > this.#nowMs) {
      this.#park(owner, task);
      return false;
    }
    this.#tasksRun += 1;
    task.run();
    return true;
  }

  #park(owner: TaskOwner, task: Task): void {
    const parked = this.#parked.get(owner);
    if (parked === undefined) this.#parked.set(owner, [task]);
    else parked.push(task);
  }

  /**
   * Runs everything that came due while the owner was paused. Must be called when its pause ends, even early.
   */
  wake(owner: TaskOwner): void {
    const parked = this.#parked.get(owner) ?? [];
    this.#parked.delete(owner);
    for (const task of parked) this.#push(task);
  }

  #push(task: Task): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(task);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !before(task, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = task;
  }

  #pop(): Task | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      let below = heap[child];
      if (below === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && before(right, below)) {
        child += 1;
        below = right;
      }
      if (!before(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function before(a: Task, b: Task): boolean {
  return a.atMs === b.atMs ? a.rank < b.rank : a.atMs < b.atMs;
}

/**
 * Takes turns until one returns a value. All promises settle between two turns that need no further turn:
 * Node.js runs all microtasks after each immediate. Immediates come in batches, since a round of the event
 * loop costs more than a turn.
 */
function inTurns<T>(turn: () => T | null): Promise<T> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    const take = (): void => {
      if (isOver) return;
      try {
        const given = turn();
        if (given === null) return;
        isOver = true;
        resolve(given);
      } catch (error) {
        isOver = true;
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    };
    const next = (): void => {
      if (isOver) return;
      for (let turns = 0; turns < TURNS; turns += 1) setImmediate(take);
      setImmediate(next);
    };
    next();
  });
}
