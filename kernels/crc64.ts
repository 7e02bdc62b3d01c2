/**
 * CRC-64/ECMA-182, reflected (as in OSS and XZ): the check value of "123456789" is 995dc9bbdf1939fa. The
 * journal keeps this checksum of every part file.
 */
import type { Branded } from './brand.ts';
import { CrcKernel } from './crc.ts';

/** 16 lower-case hex digits. */
export type Crc64Hex = Branded<string, 'Crc64Hex'>;

const ALL_ONES = 0xffff_ffff_ffff_ffffn;

const kernel = new CrcKernel({
  polynomial: 0xc96c5795d7870f42n,
  distances: [452, 893, 1220, 1497, 1633, 1973, 3419],
});

/** A running checksum; `hex()` returns its current value. */
export class Crc64 {
  #state = ALL_ONES;

  /** Continues from a checksum of the preceding bytes. */
  static from(hex: Crc64Hex): Crc64 {
    const crc = new Crc64();
    crc.#state = BigInt(`0x${hex}`) ^ ALL_ONES;
    return crc;
  }

  update(bytes: Uint8Array, start = 0, end = bytes.length): this {
    this.#state = kernel.update(this.#state, bytes, start, end);
    return this;
  }

  hex(): Crc64Hex {
    return hexOf(BigInt.asUintN(64, this.#state) ^ ALL_ONES);
  }
}

export function crc64Of(bytes: Uint8Array): Crc64Hex {
  return new Crc64().update(bytes).hex();
}

const hexOf = (crc: bigint): Crc64Hex => crc.toString(16).padStart(16, '0') as Crc64Hex;
