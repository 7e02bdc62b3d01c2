import type { Failpoint, Failpoints, FailpointSide } from '../../src/system/failpoints.ts';

/** A process that stops at the n-th hit of a failpoint: from then on none of its effects continues. */
export class Crash implements Failpoints {
  readonly crashed: Promise<void>;
  readonly hits = new Set<string>();
  #dead = false;
  #count = 0;
  #tell: () => void = () => undefined;
  readonly #at: { readonly point: Failpoint; readonly side: FailpointSide; readonly nth: number };

  constructor(point: Failpoint, side: FailpointSide, nth: number) {
    this.#at = { point, side, nth };
    this.crashed = new Promise((resolve) => {
      this.#tell = resolve;
    });
  }

  hit(point: Failpoint, side: FailpointSide): Promise<void> | void {
    this.hits.add(`${point}:${side}`);
    if (point === this.#at.point && side === this.#at.side) this.#count += 1;
    if (!this.#dead && this.#count < this.#at.nth) return;
    this.#dead = true;
    this.#tell();
    return new Promise(() => undefined);
  }
}
