/**
 * CRC-64/ECMA-182 without WebAssembly, bit by bit: for names, where purity counts and speed does not.
 * crc64.ts is the fast one.
 */
import type { Branded } from './brand.ts';

/** 16 lower-case hex digits. */
export type Crc64Hex = Branded<string, 'Crc64Hex'>;

/** Reflected. */
export const CRC64_POLYNOMIAL = 0xc96c5795d7870f42n;
export const CRC64_ALL_ONES = 0xffff_ffff_ffff_ffffn;

/** The same as `crc64Of` (crc64.ts) of the same bytes. */
export function crc64Plain(bytes: Uint8Array): Crc64Hex {
  let state = CRC64_ALL_ONES;
  for (const byte of bytes) {
    state ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1)
      state = (state >> 1n) ^ ((state & 1n) === 1n ? CRC64_POLYNOMIAL : 0n);
  }
  return crc64HexOf(state);
}

/** The checksum of a running state. */
export function crc64HexOf(state: bigint): Crc64Hex {
  return (state ^ CRC64_ALL_ONES).toString(16).padStart(16, '0') as Crc64Hex;
}
