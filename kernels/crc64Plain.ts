/**
 * CRC-64 without WebAssembly, bit by bit: for names, where purity matters and speed does not. crc64.ts is the
 * fast one.
 */
import type { Crc64Hex } from './crc64.ts';

const POLYNOMIAL = 0xc96c5795d7870f42n;
const ALL_ONES = 0xffff_ffff_ffff_ffffn;

/** Same result as `crc64Of` (crc64.ts). */
export function crc64Plain(bytes: Uint8Array): Crc64Hex {
  let crc = ALL_ONES;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >> 1n) ^ ((crc & 1n) === 1n ? POLYNOMIAL : 0n);
  }
  return (crc ^ ALL_ONES).toString(16).padStart(16, '0') as Crc64Hex;
}
