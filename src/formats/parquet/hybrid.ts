/**
 * Parquet's hybrid of run lengths and packed bits, for levels and for indices into a dictionary. A run of
 * eight equal values or more is written as its length, all others in groups of eight, packed.
 */
import type { GrowingBytes } from './growingBytes.ts';

type Values = Uint8Array | Uint16Array;

const GROUP = 8;
/** So that the header of packed groups, which is written first, takes one byte. */
const GROUPS_MAX = 63;

/** Bits that the values 0 to `most` need. */
export const bitsFor = (most: number): number => 32 - Math.clz32(most);

/** Writes values[from, to), each of `bits` bits. */
export function writeHybrid(
  output: GrowingBytes,
  values: Values,
  from: number,
  to: number,
  bits: number,
): void {
  let at = from;
  while (at < to) {
    const run = runLength(values, at, to);
    if (run >= GROUP) {
      output.varint(run * 2);
      const value = values[at] ?? 0;
      for (let shift = 0; shift < bits; shift += 8) output.byte((value >>> shift) & 0xff);
      at += run;
    } else {
      at = writePacked(output, values, at, to, bits);
    }
  }
}

function runLength(values: Values, at: number, to: number): number {
  const value = values[at];
  let next = at + 1;
  while (next < to && values[next] === value) next += 1;
  return next - at;
}

/**
 * Writes groups up to the next long run. Returns where it has stopped: only the last group may be filled up.
 */
function writePacked(output: GrowingBytes, values: Values, from: number, to: number, bits: number): number {
  output.reserve(1 + GROUPS_MAX * bits);
  const headerAt = output.length;
  output.byte(0);
  let groups = 0;
  let at = from;
  while (at < to && groups < GROUPS_MAX && (groups === 0 || !isRun(values, at, to))) {
    packGroup(output, values, at, to, bits);
    groups += 1;
    at += GROUP;
  }
  output.bytes[headerAt] = groups * 2 + 1;
  return Math.min(at, to);
}

/** Whether eight equal values begin here. */
function isRun(values: Values, at: number, to: number): boolean {
  if (at + GROUP > to) return false;
  const value = values[at];
  for (let index = 1; index < GROUP; index += 1) {
    if (values[at + index] !== value) return false;
  }
  return true;
}

/** Eight values, lowest bits first; those behind the end are 0. */
function packGroup(output: GrowingBytes, values: Values, at: number, to: number, bits: number): void {
  const { bytes } = output;
  let write = output.length;
  let word = 0;
  let filled = 0;
  for (let index = 0; index < GROUP; index += 1) {
    const value = at + index < to ? (values[at + index] ?? 0) : 0;
    word |= value << filled;
    filled += bits;
    while (filled >= 8) {
      bytes[write] = word & 0xff;
      write += 1;
      word >>>= 8;
      filled -= 8;
    }
  }
  output.length = write;
}
