/**
 * Files that may hold the same records, and what the source's records make of them. Where a record's bucket
 * is known, such a group is one file, whose bytes follow from the source: their checksum is compared with the
 * journal's, and nothing is read twice. Else files with overlapping offsets are a group, whose lines are
 * compared in any order.
 */
import type { Crc64Hex } from '../../../journal/ids.ts';
import { Crc64 } from '../../../kernels/crc64.ts';
import type { Holder } from './holders.ts';
import { eachLine, LineSums } from './lineSums.ts';

const FEED = Uint8Array.of(0x0a);

export class Group {
  readonly key: string;
  readonly holders: Holder[];
  lastOffset: bigint;
  /** False if the source does not hold all that its files were written from. */
  isWhole = true;
  records = 0;
  length = 0;
  /** Null if the order is known. */
  readonly sums: LineSums | null;
  readonly #crc = new Crc64();

  constructor(key: string, first: Holder, isOrdered: boolean) {
    this.key = key;
    this.holders = [first];
    this.lastOffset = first.lastOffset;
    this.sums = isOrdered ? null : new LineSums();
  }

  /** Whether the file begins before this group has ended. */
  overlaps({ firstOffset }: Holder): boolean {
    return firstOffset <= this.lastOffset;
  }

  join(holder: Holder): void {
    this.holders.push(holder);
    if (holder.lastOffset > this.lastOffset) this.lastOffset = holder.lastOffset;
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    this.#crc.update(bytes, start, end).update(FEED);
    this.length += end - start + 1;
    this.records += 1;
    const { sums } = this;
    if (sums === null) return;
    const value = bytes.subarray(start, end);
    eachLine(value, (from, to) => sums.add(value.subarray(from, to)));
  }

  /** The group's only file; null if it has several. */
  get only(): Holder | null {
    return this.holders.length === 1 ? (this.holders[0] ?? null) : null;
  }

  get crc64(): Crc64Hex {
    return this.#crc.hex();
  }

  /** Whether its only file holds these records, in this order, and nothing else. */
  isExactly({ records, length, crc64 }: Holder): boolean {
    return records === this.records && length === this.length && crc64 === this.crc64;
  }
}
