/**
 * Names of files and folders for external values (records, topics, file names). They are encoded and never
 * interpreted.
 */
import { crc64Plain } from '../kernels/crc64Plain.ts';

/** Default limit of `encodePathSegment`, in bytes. File systems allow 255. */
export const SEGMENT_BYTES_MAX = 200;

const LONG_MARK = '~';
const DIGEST_HEX = 16;
const UTF8 = new TextEncoder();

/**
 * Separators, control characters, `%`, the mark of a cut name, and characters that change text direction or
 * break lines. Lone surrogates have no UTF-8 form.
 */
const UNSAFE = /[/\\%~\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

/**
 * A safe name for any text: never empty, never `.` or `..`, never starting with `.` or `_`, without
 * separators or control characters, at most `bytesMax` bytes of UTF-8. Unsafe bytes become `%XX`; the empty
 * text becomes `%`. A name that would be too long is cut at a character and ends with `~` and the CRC-64 of
 * the whole text. Different texts have different names (for a cut name, as far as CRC-64 distinguishes them).
 * `bytesMax` is at least 32.
 */
export function encodePathSegment(value: string, bytesMax: number = SEGMENT_BYTES_MAX): string {
  if (value === '') return '%';
  const budget = bytesMax - LONG_MARK.length - DIGEST_HEX;
  let segment = '';
  let cut = '';
  let bytes = 0;
  for (const char of value) {
    const name = segment === '' && (char === '.' || char === '_') ? escaped(char) : encodeChar(char);
    bytes += UTF8.encode(name).length;
    segment += name;
    if (bytes <= budget) cut = segment;
    if (bytes > bytesMax) return `${cut}${LONG_MARK}${crc64Plain(bytesOf(value))}`;
  }
  return segment;
}

function encodeChar(char: string): string {
  return UNSAFE.test(char) ? escaped(char) : char;
}

function escaped(char: string): string {
  let text = '';
  for (const byte of bytesOf(char)) text += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return text;
}

/**
 * UTF-8, with each lone surrogate as three bytes of its own; the standard encoder maps all of them to U+FFFD.
 */
function bytesOf(text: string): Uint8Array {
  if (text.isWellFormed()) return UTF8.encode(text);
  const bytes: number[] = [];
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    const isLone = code >= 0xd800 && code <= 0xdfff;
    if (isLone) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    else bytes.push(...UTF8.encode(char));
  }
  return Uint8Array.from(bytes);
}
