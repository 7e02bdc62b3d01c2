/**
 * Finds a key of a record by its bytes: no string is made. The keys are the schema's: nobody can choose them
 * so that their hashes collide.
 */
import { equalsAt, hashOf } from '../../../kernels/text/bytes.ts';

export class KeyTable {
  readonly #keys: readonly Uint8Array[];
  /** Index of a key plus one, by hash; 0 is free. At most half full. */
  readonly #slots: Int32Array;
  readonly #mask: number;

  constructor(keys: readonly Uint8Array[]) {
    let size = 4;
    while (size < 2 * keys.length) size *= 2;
    this.#keys = keys;
    this.#slots = new Int32Array(size);
    this.#mask = size - 1;
    for (const [index, key] of keys.entries()) {
      let slot = hashOf(key, 0, key.length) & this.#mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = index + 1;
    }
  }

  /** The index of the key bytes[start, end), or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    for (let slot = hashOf(bytes, start, end) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const index = (this.#slots[slot] ?? 0) - 1;
      if (index < 0) return -1;
      const key = this.#keys[index];
      if (key !== undefined && equalsAt(bytes, start, end, key)) return index;
    }
  }
}
