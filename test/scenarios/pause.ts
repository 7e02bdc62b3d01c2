import type { Failpoint, Failpoints, FailpointSide } from '../../src/system/failpoints.ts';

/** A process that is paused at the n-th hit of a failpoint: none of its effects continues until it wakes. */
export class Pause implements Failpoints {
  readonly paused = Promise.withResolvers<undefined>();
  readonly woken = Promise.withResolvers<undefined>();
  #isPaused = false;
  #count = 0;
  readonly #at: { readonly point: Failpoint; readonly side: FailpointSide; readonly nth: number };

  constructor(point: Failpoint, side: FailpointSide, nth: number) {
    this.#at = { point, side, nth };
  }

  hit(point: Failpoint, side: FailpointSide): Promise<undefined> | undefined {
    if (point === this.#at.point && side === this.#at.side) this.#count += 1;
    if (!this.#isPaused && this.#count < this.#at.nth) return undefined;
    this.#isPaused = true;
    this.paused.resolve(undefined);
    return this.woken.promise;
  }
}
