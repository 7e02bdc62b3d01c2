/** Seeded randomness: the same seed gives the same world on every machine. */

/** sfc32 (PractRand, public domain), seeded from a 32-bit number. Fast, small, good enough for a world. */
export class SeededRandom {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = 0x9e3779b9 ^ seed;
    this.#b = 0x243f6a88;
    this.#c = seed | 0;
    for (let round = 0; round < 12; round += 1) this.uint32();
  }

  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** A whole number in [0, limit). */
  below(limit: number): number {
    return this.uint32() % limit;
  }

  /** One of them, with equal probability. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('there is nothing to pick from');
    return item;
  }

  /** One of them, with probability in proportion to its weight. */
  weighted<T>(items: readonly T[], weightOf: (item: T) => number): T {
    let left = this.below(items.reduce((sum, item) => sum + weightOf(item), 0));
    for (const item of items) {
      left -= weightOf(item);
      if (left < 0) return item;
    }
    throw new Error('nothing has a weight');
  }

  /** True with this probability in percent. */
  percent(probability: number): boolean {
    return this.below(100) < probability;
  }

  hexId(): string {
    let text = '';
    while (text.length < 32) text += this.uint32().toString(16).padStart(8, '0');
    return text;
  }
}

/** Randomness that follows from what else was drawn: nothing else is drawn otherwise for it. */
export function randomFor(drawn: string): SeededRandom {
  let seed = 0;
  for (let at = 0; at < drawn.length; at += 1) seed = (Math.imul(seed, 31) + drawn.charCodeAt(at)) | 0;
  return new SeededRandom(seed);
}

/** A seed for each process of a world. */
export function seedOf(seed: number, place: number, life: number): number {
  return new SeededRandom(seed ^ Math.imul(place + 1, 0x9e3779b1) ^ Math.imul(life + 1, 0x85ebca6b)).uint32();
}
