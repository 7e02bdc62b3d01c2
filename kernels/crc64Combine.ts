/**
 * The CRC-64 of two byte strings put together, from the CRC-64 of each: a service answers one for each upload
 * part, the journal keeps one for the file. The bits of a checksum are the coefficients of a polynomial, the
 * highest bit that of x^0; appending n zero bytes multiplies it by x^(8n).
 */
import { CRC64_POLYNOMIAL, type Crc64Hex } from './crc64Plain.ts';

const ONE = 1n << 63n;
/** x^8: one byte. */
const BYTE = ONE >> 8n;

/** @param secondBytes length of the second byte string, in bytes. */
export function crc64Combine(first: Crc64Hex, second: Crc64Hex, secondBytes: number): Crc64Hex {
  let [shift, square] = [ONE, BYTE];
  for (let rest = secondBytes; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) shift = times(shift, square);
    square = times(square, square);
  }
  const combined = times(BigInt(`0x${first}`), shift) ^ BigInt(`0x${second}`);
  return combined.toString(16).padStart(16, '0') as Crc64Hex;
}

/** The product of two polynomials, modulo that of the CRC. */
function times(one: bigint, other: bigint): bigint {
  let [sum, factor] = [0n, one];
  for (let bit = ONE; bit > 0n; bit >>= 1n) {
    if ((other & bit) !== 0n) sum ^= factor;
    factor = (factor & 1n) === 1n ? (factor >> 1n) ^ CRC64_POLYNOMIAL : factor >> 1n;
  }
  return sum;
}
