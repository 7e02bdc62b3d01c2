/**
 * CRC-64/ECMA-182, reflected (the one of OSS and XZ): check value of "123456789" is 995dc9bbdf1939fa. The checksum that the
 * journal keeps of every part file. Two 32-bit halves: bigint arithmetic would allocate per byte.
 */
/* eslint-disable @typescript-eslint/no-non-null-assertion -- every index is below the length; a check per byte would cost a third of the speed */
import { crc64Hex, type Crc64Hex } from './ids.ts';

const POLYNOMIAL = 0xc96c5795d7870f42n;
const SLICES = 8;
const tableLow = new Int32Array(256 * SLICES);
const tableHigh = new Int32Array(256 * SLICES);

for (let index = 0; index < 256; index += 1) {
  let crc = BigInt(index);
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1n ? (crc >> 1n) ^ POLYNOMIAL : crc >> 1n;
  tableLow[index] = Number(BigInt.asIntN(32, crc));
  tableHigh[index] = Number(BigInt.asIntN(32, crc >> 32n));
}
for (let slice = 1; slice < SLICES; slice += 1) {
  for (let index = 0; index < 256; index += 1) {
    const before = (slice - 1) * 256 + index;
    const low = tableLow[before] ?? 0;
    const high = tableHigh[before] ?? 0;
    const byte = low & 0xff;
    tableLow[slice * 256 + index] = ((low >>> 8) | (high << 24)) ^ (tableLow[byte] ?? 0);
    tableHigh[slice * 256 + index] = (high >>> 8) ^ (tableHigh[byte] ?? 0);
  }
}

/** A running checksum; `copy()` freezes it at a cut. */
export class Crc64 {
  #low = -1;
  #high = -1;

  /** Goes on where a checksum of the bytes before has ended. */
  static from(hex: Crc64Hex): Crc64 {
    const crc = new Crc64();
    crc.#high = ~Number.parseInt(hex.slice(0, 8), 16);
    crc.#low = ~Number.parseInt(hex.slice(8), 16);
    return crc;
  }

  update(bytes: Uint8Array, start = 0, end = bytes.length): this {
    let low = this.#low;
    let high = this.#high;
    let at = start;
    // Slicing by 8 (Kounavis and Berry, 2005): one table look-up per byte, eight bytes a step.
    for (const last = end - 8; at <= last; at += 8) {
      const a = low ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
      const b =
        high ^ (bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24));
      const i0 = 1792 + (a & 0xff);
      const i1 = 1536 + ((a >>> 8) & 0xff);
      const i2 = 1280 + ((a >>> 16) & 0xff);
      const i3 = 1024 + (a >>> 24);
      const i4 = 768 + (b & 0xff);
      const i5 = 512 + ((b >>> 8) & 0xff);
      const i6 = 256 + ((b >>> 16) & 0xff);
      const i7 = b >>> 24;
      low =
        tableLow[i0]! ^
        tableLow[i1]! ^
        tableLow[i2]! ^
        tableLow[i3]! ^
        tableLow[i4]! ^
        tableLow[i5]! ^
        tableLow[i6]! ^
        tableLow[i7]!;
      high =
        tableHigh[i0]! ^
        tableHigh[i1]! ^
        tableHigh[i2]! ^
        tableHigh[i3]! ^
        tableHigh[i4]! ^
        tableHigh[i5]! ^
        tableHigh[i6]! ^
        tableHigh[i7]!;
    }
    for (; at < end; at += 1) {
      const index = (low ^ bytes[at]!) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ tableLow[index]!;
      high = (high >>> 8) ^ tableHigh[index]!;
    }
    this.#low = low;
    this.#high = high;
    return this;
  }

  hex(): Crc64Hex {
    const half = (value: number): string => (~value >>> 0).toString(16).padStart(8, '0');
    return crc64Hex(half(this.#high) + half(this.#low));
  }
}

export function crc64Of(bytes: Uint8Array): Crc64Hex {
  return new Crc64().update(bytes).hex();
}
