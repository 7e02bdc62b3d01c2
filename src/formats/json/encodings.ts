/** Bytes of a record as JSON: a string of UTF-8, or base64 (RFC 4648, section 4). */
import type { BadReason } from '../format.ts';
import type { LineScratch } from '../lineScratch.ts';
import { utf8Length } from '../../../kernels/text/ascii.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BASE64 = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const PADDING = 0x3d;
const HEX = Buffer.from('0123456789abcdef');

/** The second character of a short escape (RFC 8259, section 7); 0 if there is none. */
const SHORT_ESCAPE = new Uint8Array(256);
for (const [byte, letter] of [
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0c, 'f'],
  [0x0d, 'r'],
  [QUOTE, '"'],
  [BACKSLASH, '\\'],
] as const)
  SHORT_ESCAPE[byte] = letter.charCodeAt(0);

/** A JSON string with these bytes, which must be UTF-8. */
export function writeString(
  to: LineScratch,
  bytes: Uint8Array,
  start: number,
  end: number,
): BadReason | null {
  // Each byte becomes six at most.
  to.reserve((end - start) * 6 + 2);
  const out = to.bytes;
  let at = to.end;
  out[at++] = QUOTE;
  for (let index = start; index < end;) {
    const byte = bytes[index] ?? 0;
    if (byte >= 0x80) {
      const length = utf8Length(bytes, index, end);
      if (length === 0) return 'invalid-utf8';
      for (const last = index + length; index < last; index += 1) out[at++] = bytes[index] ?? 0;
      continue;
    }
    index += 1;
    const letter = SHORT_ESCAPE[byte] ?? 0;
    if (letter !== 0) {
      out[at++] = BACKSLASH;
      out[at++] = letter;
    } else if (byte >= 0x20) out[at++] = byte;
    else at = writeUnicodeEscape(out, at, byte);
  }
  out[at++] = QUOTE;
  to.end = at;
  return null;
}

function writeUnicodeEscape(out: Buffer, from: number, byte: number): number {
  let at = from;
  out[at++] = BACKSLASH;
  out[at++] = 0x75;
  out[at++] = 0x30;
  out[at++] = 0x30;
  out[at++] = HEX[byte >> 4] ?? 0;
  out[at++] = HEX[byte & 15] ?? 0;
  return at;
}

/** A JSON string with these bytes in base64. */
export function writeBase64(to: LineScratch, bytes: Uint8Array, start: number, end: number): void {
  to.reserve(Math.ceil((end - start) / 3) * 4 + 2);
  const out = to.bytes;
  let at = to.end;
  out[at++] = QUOTE;
  let index = start;
  for (; index + 2 < end; index += 3) {
    const word = ((bytes[index] ?? 0) << 16) | ((bytes[index + 1] ?? 0) << 8) | (bytes[index + 2] ?? 0);
    out[at++] = BASE64[word >> 18] ?? 0;
    out[at++] = BASE64[(word >> 12) & 63] ?? 0;
    out[at++] = BASE64[(word >> 6) & 63] ?? 0;
    out[at++] = BASE64[word & 63] ?? 0;
  }
  if (index < end) {
    const isOne = index + 1 === end;
    const word = ((bytes[index] ?? 0) << 16) | (isOne ? 0 : (bytes[index + 1] ?? 0) << 8);
    out[at++] = BASE64[word >> 18] ?? 0;
    out[at++] = BASE64[(word >> 12) & 63] ?? 0;
    out[at++] = isOne ? PADDING : (BASE64[(word >> 6) & 63] ?? 0);
    out[at++] = PADDING;
  }
  out[at++] = QUOTE;
  to.end = at;
}
