/** Finds a key of a record by its bytes: no string is made. */

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
      if (key !== undefined && key.length === end - start && startsWith(bytes, start, key)) return index;
    }
  }
}

/** Whether `key` lies in the bytes from `at` on. Bytes beyond the end equal none. */
function startsWith(bytes: Uint8Array, at: number, key: Uint8Array): boolean {
  for (let index = 0; index < key.length; index += 1) {
    if (bytes[at + index] !== key[index]) return false;
  }
  return true;
}

/** FNV-1a. The keys are the schema's: nobody can choose them so that they collide. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
