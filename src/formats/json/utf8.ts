/**
 * The length of the UTF-8 sequence that begins at `at` with a byte of 0x80 or more; 0 if there is none before
 * `end`: overlong forms, surrogates and what is beyond U+10FFFF are none (RFC 3629).
 */
export function utf8Length(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at] ?? 0;
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first <= 0xf4 ? 4 : 0;
  if (length === 0 || at + length > end) return 0;
  for (let index = at + 1; index < at + length; index += 1)
    if (((bytes[index] ?? 0) & 0xc0) !== 0x80) return 0;
  return isWithin(first, bytes[at + 1] ?? 0) ? length : 0;
}

/** The second byte's range is narrower after some first bytes (RFC 3629, section 4). */
function isWithin(first: number, second: number): boolean {
  switch (first) {
    case 0xe0:
      return second >= 0xa0;
    case 0xed:
      return second <= 0x9f;
    case 0xf0:
      return second >= 0x90;
    case 0xf4:
      return second <= 0x8f;
    default:
      return true;
  }
}
