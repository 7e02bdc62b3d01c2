/**
 * Where a partition's offsets are not one log that was read from its start to its end: operators' answers.
 */

interface Range {
  readonly from: bigint;
  readonly to: bigint;
}

export class OffsetChanges {
  #lost: readonly Range[] = [];
  /** By generation - 1: where the log was replaced that had this generation. */
  readonly #replacedFrom: bigint[] = [];

  /** An operator gave up [from, to). */
  gaveUp(from: bigint, to: bigint): void {
    this.#lost = [...this.#lost, { from, to }];
  }

  /** An operator went on in the log that replaced this one from `offset` on. */
  replaced(offset: bigint): void {
    this.#replacedFrom.push(offset);
    // What was given up there is read again, in the new log.
    this.#lost = this.#lost
      .filter(({ from }) => from < offset)
      .map(({ from, to }) => ({ from, to: to < offset ? to : offset }));
  }

  isGivenUp(offset: bigint): boolean {
    return this.#lost.some(({ from, to }) => offset >= from && offset < to);
  }

  /** The first offset of the generation's log that was replaced later; null if none was. */
  replacedFrom(generation: number): bigint | null {
    let least: bigint | null = null;
    for (const offset of this.#replacedFrom.slice(generation - 1))
      if (least === null || offset < least) least = offset;
    return least;
  }
}
