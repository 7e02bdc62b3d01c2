/**
 * Limits work that briefly needs a file handle or a connection: thousands of partitions do such work, and the
 * process may hold few.
 */
const AT_ONCE_MAX = 32;

export class Turns {
  readonly #atOnceMax: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(atOnceMax = AT_ONCE_MAX) {
    this.#atOnceMax = atOnceMax;
  }

  /**
   * Runs `work` when its turn comes, in the order of the calls. Work that has a turn must not request
   * another.
   */
  async during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#atOnceMax) this.#running += 1;
    // The work that ends hands its turn over.
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
