/**
 * The open handles of source files, limited in number. If one more is needed, the least recently used one is
 * closed; files that are read to their end come first. A feed reopens its file when it continues.
 */

/** Keeps a handle open between two reads. */
export interface HandleKeeper {
  /** Closes the handle and returns it. After the file is reopened, reading continues at the same place. */
  putAside(): Promise<void>;
}

export class SourceHandles {
  readonly #handlesMax: number;
  #taken = 0;
  /** Keepers that are not reading now, least recently used first. */
  readonly #atEnd = new Set<HandleKeeper>();
  readonly #amidst = new Set<HandleKeeper>();
  readonly #waiting: (() => void)[] = [];

  constructor(handlesMax = Infinity) {
    this.#handlesMax = handlesMax;
  }

  /** Resolves when one more file may be opened. */
  async take(): Promise<void> {
    while (this.#taken >= this.#handlesMax) {
      const [keeper = this.#amidst.values().next().value] = this.#atEnd;
      if (keeper === undefined) await new Promise<void>((resolve) => this.#waiting.push(resolve));
      else {
        this.use(keeper);
        await keeper.putAside();
      }
    }
    this.#taken += 1;
  }

  /** Reports that a file was closed. */
  give(): void {
    this.#taken -= 1;
    this.#waiting.shift()?.();
  }

  /** The keeper's handle must stay open until `rest`. */
  use(keeper: HandleKeeper): void {
    this.#atEnd.delete(keeper);
    this.#amidst.delete(keeper);
  }

  /** The keeper's handle may be closed. */
  rest(keeper: HandleKeeper, isAtEnd: boolean): void {
    this.use(keeper);
    (isAtEnd ? this.#atEnd : this.#amidst).add(keeper);
    this.#waiting.shift()?.();
  }

  /** Takes one handle for `work`, which opens and closes it. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    await this.take();
    try {
      return await work();
    } finally {
      this.give();
    }
  }
}
