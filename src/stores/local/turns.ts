/** Turns of work that needs a handle for a moment: thousands of partitions do such work, and the process may hold few handles. */
const AT_ONCE_MAX = 32;

export class Turns {
  readonly #atOnceMax: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(atOnceMax = AT_ONCE_MAX) {
    this.#atOnceMax = atOnceMax;
  }

  /** Runs `work` when it is its turn, in the order of the calls. Work that has a turn must not ask for another. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#atOnceMax) this.#running += 1;
    // The turn is handed over.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
