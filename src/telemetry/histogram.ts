/** A histogram with fixed bounds: what it observes costs a few comparisons, and no memory. */
export class Histogram {
  /** Upper bounds of its buckets, ascending; a last bucket takes what is above. */
  readonly bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    let at = 0;
    while (at < this.bounds.length && value > (this.bounds[at] ?? 0)) at += 1;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += value;
  }

  get count(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  get sum(): number {
    return this.#sum;
  }

  /** Of each bound, how many values were at most that; the last one counts all values. */
  cumulative(): readonly number[] {
    let total = 0;
    return this.#counts.map((count) => (total += count));
  }
}

/** From a fast disk to a call that hangs. */
export const SECONDS_BOUNDS: readonly number[] = [
  ...[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
];

const KIB = 1024;
export const BYTES_BOUNDS: readonly number[] = [
  ...[1, 16, 256].map((kib) => kib * KIB),
  ...[1, 4, 16, 64, 128, 256, 512, 1024].map((mib) => mib * KIB * KIB),
];

export const RECORDS_BOUNDS: readonly number[] = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7];
