import type { LineScratch } from '../lineScratch.ts';

const SPACE = 0x20;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * Copies a JSON text. Its line breaks become spaces: within a string there can be none, so that the text
 * keeps its meaning.
 */
export function copyOnOneLine(to: LineScratch, bytes: Buffer, start: number, end: number): void {
  const from = to.end;
  to.copy(bytes, start, end);
  const out = to.bytes;
  for (let at = from; at < to.end; at += 1)
    if (out[at] === LINE_FEED || out[at] === CARRIAGE_RETURN) out[at] = SPACE;
}
