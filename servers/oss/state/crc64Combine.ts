/**
 * The CRC-64 of two concatenated byte strings, from the CRC-64 of each. It makes completing a multipart
 * upload cheap. Appending zeros to the first is a linear map over GF(2); its maps for powers of two are
 * cached.
 */
const POLYNOMIAL = 0xc96c5795d7870f42n;

/** A linear map: column i is the image of bit i. */
type Matrix = readonly bigint[];

/** The map of 2^k zero bytes, by k. */
const zeroBytes: Matrix[] = [];

export function crc64Combine(first: bigint, second: bigint, secondBytes: number): bigint {
  let crc = first;
  let rest = secondBytes;
  for (let power = 0; rest > 0; power += 1, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) crc = times(mapOf(power), crc);
  }
  return crc ^ second;
}

function mapOf(power: number): Matrix {
  for (let k = zeroBytes.length; k <= power; k += 1) {
    zeroBytes.push(k === 0 ? eightBits() : square(zeroBytes[k - 1]!));
  }
  return zeroBytes[power]!;
}

function eightBits(): Matrix {
  const oneBit = Array.from({ length: 64 }, (_, bit) => (bit === 0 ? POLYNOMIAL : 1n << BigInt(bit - 1)));
  return square(square(square(oneBit)));
}

function square(matrix: Matrix): Matrix {
  return matrix.map((column) => times(matrix, column));
}

function times(matrix: Matrix, vector: bigint): bigint {
  let sum = 0n;
  for (let bit = 0, rest = vector; rest !== 0n; bit += 1, rest >>= 1n) {
    if (rest & 1n) sum ^= matrix[bit]!;
  }
  return sum;
}
