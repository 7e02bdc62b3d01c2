/** Strict base64: Buffer's own decoder passes over whatever it does not know. */

const INVALID = 64;
const EQUALS = 0x3d;

/** The value of a digit of both alphabets; 64 for all that is no digit. */
const VALUES = new Uint8Array(256).fill(INVALID);
for (const alphabet of ['+/', '-_']) {
  const digits = `ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789${alphabet}`;
  for (let value = 0; value < digits.length; value += 1) VALUES[digits.charCodeAt(value)] = value;
}

/** The bytes of the text bytes[start, end), with or without padding; null if it is no base64. */
export function decodeBase64(bytes: Uint8Array, start: number, end: number): Uint8Array | null {
  let textEnd = end;
  if ((end - start) % 4 === 0) {
    for (let pad = 0; pad < 2 && textEnd > start && bytes[textEnd - 1] === EQUALS; pad += 1) textEnd -= 1;
  }
  const digits = textEnd - start;
  if (digits % 4 === 1) return null;
  const decoded = new Uint8Array(Math.floor((digits * 3) / 4));
  let word = 0;
  let length = 0;
  for (let index = 0; index < digits; index += 1) {
    const value = VALUES[bytes[start + index] ?? 0] ?? INVALID;
    if (value === INVALID) return null;
    word = ((word << 6) | value) & 0xffffff;
    const bits = (index & 3) * 6 + 6;
    if ((index & 3) === 0) continue;
    decoded[length] = word >> ((index & 3) === 1 ? 4 : (index & 3) === 2 ? 2 : 0);
    length += 1;
    if (bits === 24) word = 0;
  }
  return decoded;
}
