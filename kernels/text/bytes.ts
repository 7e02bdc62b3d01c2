/** What is asked of a range of bytes, without allocation. */

/** Whether bytes[start, end) are these. */
export function equalsAt(bytes: Uint8Array, start: number, end: number, expected: Uint8Array): boolean {
  if (expected.length !== end - start) return false;
  for (let index = 0; index < expected.length; index += 1) {
    if (bytes[start + index] !== expected[index]) return false;
  }
  return true;
}

/** FNV-1a of bytes[start, end), mixed once more; 32 bits. Whoever chooses the bytes can make hashes equal. */
export function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
