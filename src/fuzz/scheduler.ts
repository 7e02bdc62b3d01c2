/**
 * Virtual time and the one queue through which everything in the world happens: the same seed, the same order. Between two tasks
 * every promise settles, so that a task sees what the one before has led to.
 */
import type { SeededRandom } from './random.ts';

export interface Task {
  readonly atMs: number;
  /** Drawn: tasks of one moment happen in any order, but always in the same for a seed. */
  readonly rank: number;
  /** Null: the world's own. */
  readonly owner: TaskOwner | null;
  readonly run: () => void;
  isCancelled: boolean;
}

/** Who a task belongs to: what is dead does nothing more, what is paused does it when it wakes. */
export interface TaskOwner {
  readonly dead: boolean;
  readonly pausedUntilMs: number;
}

export type EndReason = 'done' | 'idle' | 'tasks' | 'time';

export class Scheduler {
  readonly random: SeededRandom;
  #nowMs = 0;
  #heap: Task[] = [];
  /** What came due while its owner was paused, in the order it came due. */
  readonly #parked = new Map<TaskOwner, Task[]>();
  #tasksRun = 0;

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

  /** Runs it after `delayMs` of virtual time unless cancelled, or its owner is dead by then. */
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

  /** Goes on until `done`, until nothing is left, or until a limit of the run. */
  async run(
    done: () => boolean,
    limits: { readonly tasksMax: number; readonly untilMs: number },
  ): Promise<EndReason> {
    let mayBeUnsettled = true;
    for (let tasks = 0; tasks < limits.tasksMax; tasks += 1) {
      if (mayBeUnsettled) await settled();
      if (done()) return 'done';
      const task = this.#pop();
      if (task === undefined) return 'idle';
      if (task.atMs > limits.untilMs) {
        this.#push(task);
        this.#nowMs = limits.untilMs;
        return 'time';
      }
      this.#nowMs = Math.max(this.#nowMs, task.atMs);
      mayBeUnsettled = this.#runTask(task);
    }
    return 'tasks';
  }

  /** False where nothing was run. */
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

  /** Lets everything run that came due while the owner was paused. To be called when its pause is over, also before its time. */
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

/** Resolves when every promise that can settle without a further task has settled. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
