/**
 * The handles of files that are read: no more of them are open than the source may have. Where one more is needed, the one is closed
 * that was used least lately, of a file that is read to its end where there is one; its feed opens it again when it goes on.
 */

/** Who keeps a handle between two reads. */
export interface HandleKeeper {
  /** Closes its handle and gives it back; it stands where it stood when it opens the file again. */
  putAside(): Promise<void>;
}

export class SourceHandles {
  readonly #handlesMax: number;
  #taken = 0;
  /** Those that read nothing at this moment, the one first that has not read for longest. */
  readonly #atEnd = new Set<HandleKeeper>();
  readonly #amidst = new Set<HandleKeeper>();
  readonly #waiting: (() => void)[] = [];

  constructor(handlesMax = Infinity) {
    this.#handlesMax = handlesMax;
  }

  /** Resolves once one more file may be opened. */
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

  /** A file was closed. */
  give(): void {
    this.#taken -= 1;
    this.#waiting.shift()?.();
  }

  /** The keeper's handle must stay open until it rests again. */
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

  /** Room for a handle that `work` opens and closes. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    await this.take();
    try {
      return await work();
    } finally {
      this.give();
    }
  }
}
