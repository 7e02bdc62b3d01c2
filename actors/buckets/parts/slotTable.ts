/**
 * Numbers what is made of the same bytes with the same slot. Nothing is allocated for bytes that are known.
 */

import { equalsAt, hashOf } from '../../../kernels/text/bytes.ts';

/** So much is remembered whether it is in use or not, in bytes. */
const SPARE_BYTES = 1024 * 1024;
/** Memory of a slot besides its key, about. */
const SLOT_BYTES = 200;
const FIRST_BYTES = 256;
/** The engine keeps numbers of 30 bits without an object. */
const HASH_MASK = 0x3fffffff;

interface Entry {
  readonly slot: number;
  readonly key: Uint8Array;
  /** Another key with the same hash. */
  readonly next: Entry | undefined;
}

export class SlotTable {
  #key = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#key.buffer);
  #length = 0;
  #byHash = new Map<number, Entry>();
  readonly #keys = new Map<number, Uint8Array>();
  #slots = 0;
  #bytes = 0;
  /** `forget` has kept so much. */
  #keptBytes = 0;

  /** Begins a key. */
  begin(): void {
    this.#length = 0;
  }

  number(value: number): void {
    this.#grow(8);
    this.#view.setFloat64(this.#length, value);
    this.#length += 8;
  }

  byte(value: number): void {
    this.#grow(1);
    this.#key[this.#length++] = value;
  }

  /** bytes[start, end), and how many they are. */
  bytes(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.#grow(length + 4);
    this.#view.setUint32(this.#length, length);
    this.#length += 4;
    for (let at = start; at < end; at += 1) this.#key[this.#length++] = bytes[at] ?? 0;
  }

  /** The slot of the key that was begun last. */
  slot(): number {
    const hash = hashOf(this.#key, 0, this.#length) & HASH_MASK;
    const first = this.#byHash.get(hash);
    for (let entry = first; entry !== undefined; entry = entry.next) {
      if (equalsAt(this.#key, 0, this.#length, entry.key)) return entry.slot;
    }
    const entry = { slot: this.#slots, key: this.#key.slice(0, this.#length), next: first };
    this.#slots += 1;
    this.#byHash.set(hash, entry);
    this.#keys.set(entry.slot, entry.key);
    this.#bytes += entry.key.length + SLOT_BYTES;
    return entry.slot;
  }

  /** The bytes of a slot's key. Error if it was forgotten. */
  keyOf(slot: number): Uint8Array {
    const key = this.#keys.get(slot);
    if (key === undefined) throw new RangeError(`slot ${slot} was forgotten`);
    return key;
  }

  /** Forgets all others, if they take much memory. A slot's number never comes again. */
  forget(isInUse: (slot: number) => boolean): void {
    if (this.#bytes <= 2 * this.#keptBytes + SPARE_BYTES) return;
    const before = [...this.#byHash.entries()];
    this.#byHash = new Map();
    for (const [hash, first] of before) {
      for (let entry: Entry | undefined = first; entry !== undefined; entry = entry.next) {
        if (isInUse(entry.slot)) this.#byHash.set(hash, { ...entry, next: this.#byHash.get(hash) });
        else {
          this.#keys.delete(entry.slot);
          this.#bytes -= entry.key.length + SLOT_BYTES;
        }
      }
    }
    this.#keptBytes = this.#bytes;
  }

  /** Memory that it takes, about. */
  get memoryBytes(): number {
    return this.#bytes;
  }

  #grow(bytes: number): void {
    if (this.#length + bytes <= this.#key.length) return;
    const larger = new Uint8Array(2 * (this.#length + bytes));
    larger.set(this.#key.subarray(0, this.#length));
    this.#key = larger;
    this.#view = new DataView(larger.buffer);
  }
}
