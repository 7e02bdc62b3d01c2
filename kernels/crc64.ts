/**
 * CRC-64/ECMA-182, reflected (as in OSS and XZ): the check value of "123456789" is 995dc9bbdf1939fa. The
 * journal keeps this checksum of every part file.
 */
import { CrcKernel } from './crc.ts';
import { CRC64_ALL_ONES, CRC64_POLYNOMIAL, crc64HexOf, type Crc64Hex } from './crc64Plain.ts';

const kernel = new CrcKernel({
  polynomial: CRC64_POLYNOMIAL,
  distances: [452, 893, 1220, 1497, 1633, 1973, 3419],
});

/** A running checksum; `hex()` returns its current value. */
export class Crc64 {
  #state = CRC64_ALL_ONES;

  /** Continues from a checksum of the preceding bytes. */
  static from(hex: Crc64Hex): Crc64 {
    const crc = new Crc64();
    crc.#state = BigInt(`0x${hex}`) ^ CRC64_ALL_ONES;
    return crc;
  }

  update(bytes: Uint8Array, start = 0, end = bytes.length): this {
    this.#state = kernel.update(this.#state, bytes, start, end);
    return this;
  }

  hex(): Crc64Hex {
    return crc64HexOf(BigInt.asUintN(64, this.#state));
  }
}

export function crc64Of(bytes: Uint8Array): Crc64Hex {
  return new Crc64().update(bytes).hex();
}
