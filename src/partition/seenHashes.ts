/** Hashes of the newest entries of a subject, by sequence. A witness is looked up here first. */
import type { EntryHash } from '../../journal/ids.ts';
import type { Tail } from '../../journal/replay.ts';

/** A witness is written at every checkpoint: it is seldom older than this. */
const KEPT = 10_000;

export class SeenHashes {
  #hashes: EntryHash[] = [];
  #lastSeq = 0;

  /** Call with the tail after every entry, in order. */
  see({ seq, hash }: Tail): void {
    this.#hashes.push(hash);
    this.#lastSeq = seq;
    if (this.#hashes.length >= 2 * KEPT) this.#hashes = this.#hashes.slice(-KEPT);
  }

  /** Null if the entry was not seen, or is not among the newest. */
  at(seq: number): EntryHash | null {
    return this.#hashes[this.#hashes.length - 1 - (this.#lastSeq - seq)] ?? null;
  }

  /** Releases the hashes. Nothing is looked up after this. */
  clear(): void {
    this.#hashes = [];
  }
}
