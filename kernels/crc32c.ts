/** CRC-32C (Castagnoli), as used by Kafka's record batches. */
import { CrcKernel } from './crc.ts';

const ALL_ONES = 0xffff_ffffn;

const kernel = new CrcKernel({ polynomial: 0x82f63b78n, distances: [307, 308, 317, 452, 499] });

/** Checksum of bytes[start, end), as an unsigned number. */
export function crc32c(bytes: Uint8Array, start: number, end: number): number {
  return Number(kernel.update(ALL_ONES, bytes, start, end) ^ ALL_ONES);
}
