/**
 * Whole records as JSON lines, for the functions of kernels/lines.ts: what src/formats/json/recordLine.ts
 * makes of a record whose key and value are written as base64 or as text. A record is left to that one where
 * it has headers, a character that is not ASCII, a rare control character, or a time or an offset that is no
 * exact number.
 */
import type { FunctionBuilder } from './assembler.ts';
import { advance, control, I32, I64, i32, i64, v128, V128, type Code, type Variable } from './assembler.ts';
import { reserve } from './memory.ts';
import { isNotPlain } from './plainText.ts';
import { VECTOR_BYTES } from './routeTable.ts';
import { BACKSLASH, QUOTE } from './text/ascii.ts';
import { copyVectors } from './valueLines.ts';

export type WrittenAs = 'bytes' | 'string';

/** The longest begin of a line. */
export const BEGIN_BYTES_MAX = 512;
/**
 * What a line takes besides its begin, its key and its value: numbers, names, and what vectors write too
 * much.
 */
const FIXED_BYTES = 160;

const begin = reserve(BEGIN_BYTES_MAX + VECTOR_BYTES);
const pairs = reserve(200);
const digits = reserve(2 * VECTOR_BYTES);
const escapes = reserve(512);
const base64 = reserve(64);

for (let number = 0; number < 100; number += 1) {
  pairs[2 * number] = 0x30 + Math.floor(number / 10);
  pairs[2 * number + 1] = 0x30 + (number % 10);
}
const PADDING = 0x3d;
/** RFC 8259, section 7. */
const SHORT_ESCAPES = ['\bb', '\tt', '\nn', '\ff', '\rr', '""', '\\\\'];
for (const pair of SHORT_ESCAPES) {
  escapes[2 * pair.charCodeAt(0)] = BACKSLASH;
  escapes[2 * pair.charCodeAt(0) + 1] = pair.charCodeAt(1);
}
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
for (let index = 0; index < ALPHABET.length; index += 1) base64[index] = ALPHABET.charCodeAt(index);

/** Sets what the next lines begin with; at most BEGIN_BYTES_MAX bytes. */
export function beginLinesWith(bytes: Uint8Array): void {
  begin.set(bytes);
}

/** A line in the making: the record, where its line is written, and what is needed for it. */
export interface RecordPlace {
  readonly keyAt: Variable;
  /** Negative for a null key. */
  readonly keyLength: Variable;
  readonly valueAt: Variable;
  readonly valueLength: Variable;
  /** 64 bits. */
  readonly time: Variable;
  readonly offset: Variable;
  /** Of `beginLinesWith`. */
  readonly beginLength: Code;
  readonly to: Variable;
}

interface Scratch {
  readonly from: Variable;
  readonly end: Variable;
  readonly left: Variable;
  readonly word: Variable;
  readonly high: Variable;
  readonly low: Variable;
  readonly vector: Variable;
}

export function recordScratch(copy: FunctionBuilder): Scratch & { readonly offset: Variable } {
  const local = (): Variable => copy.local(I32);
  const [from, end, left, word, high, low] = [local(), local(), local(), local(), local(), local()];
  return { from, end, left, word, high, low, vector: copy.local(V128), offset: copy.local(I64) };
}

/** The most that the line takes, with what vectors write behind it. */
export function recordLineMost({ keyLength, valueLength, beginLength }: RecordPlace): Code {
  const texts = i32.add(
    valueLength.get,
    i32.select(keyLength.get, i32.const(0), i32.gtS(keyLength.get, i32.const(0))),
  );
  return i32.add(i32.add(beginLength, i32.const(FIXED_BYTES)), i32.mul(texts, i32.const(2)));
}

/**
 * Writes the line without its line feed, and moves `to` behind it. Leaves as many blocks as `stopDepth` says,
 * and one more, where the record is not plain: what was written of it then does not count.
 */
export function writeRecordLine(
  place: RecordPlace,
  scratch: Scratch,
  as: { readonly key: WrittenAs; readonly value: WrittenAs },
  stopDepth: number,
): Code[] {
  const { keyAt, keyLength, valueAt, valueLength, time, offset, to } = place;
  const stop = (condition: Code): Code => control.branchIf(condition, stopDepth);
  const key = writeBytes({ at: keyAt, length: keyLength, to }, scratch, as.key, stopDepth + 2);
  return [
    ...[time, offset].flatMap((number) => [
      stop(i64.ltS(number.get, i64.const(0n))),
      stop(i64.geS(number.get, i64.const(2n ** 53n))),
    ]),
    copyBegin(place, scratch),
    writeDecimal(offset, to, scratch),
    writeText(',"timestamp":', to),
    writeDecimal(time, to, scratch),
    writeText(',"key":', to),
    control.block(
      control.block(control.branchIf(i32.ltS(keyLength.get, i32.const(0)), 0), key, control.branch(1)),
      writeText('null', to),
    ),
    writeText(',"value":', to),
    writeBytes({ at: valueAt, length: valueLength, to }, scratch, as.value, stopDepth),
    writeText(',"headers":[]}', to),
  ];
}

function copyBegin({ beginLength, to }: RecordPlace, { from, end, left }: Scratch): Code {
  return [
    ...from.set(i32.const(begin.byteOffset)),
    ...left.set(to.get),
    ...copyVectors(from, left, { get: beginLength }, end),
    ...to.set(i32.add(to.get, beginLength)),
  ];
}

/** ASCII, eight bytes at once; what is written too much is written over. */
function writeText(text: string, to: Variable): Code {
  const stores: Code[] = [];
  for (let at = 0; at < text.length; at += 8) {
    let bytes = 0n;
    for (let index = 7; index >= 0; index -= 1)
      bytes = bytes * 256n + BigInt(text.charCodeAt(at + index) || 0);
    stores.push(i64.store(to.get, i64.const(bytes), at));
  }
  return [...stores.flat(), ...advance(to, text.length)];
}

/** A number of 64 bits, from 0 to below 2^53. */
function writeDecimal(number: Variable, to: Variable, { high, low, word }: Scratch): Code {
  const eight = i64.const(100_000_000n);
  return [
    ...high.set(i32.fromI64(i64.divU(number.get, eight))),
    ...low.set(i32.fromI64(i64.sub(number.get, i64.mul(i64.fromI32(high.get), eight)))),
    ...control.block(
      control.block(
        control.branchIf(i32.eqz(high.get), 0),
        writeTrimmed(high, to, word),
        writeEight(low, to.get, word),
        advance(to, 8),
        control.branch(1),
      ),
      writeTrimmed(low, to, word),
    ),
  ];
}

/** Without zeros before it. */
function writeTrimmed(number: Variable, to: Variable, word: Variable): Code {
  const isBelow = [10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10].map((limit) =>
    i32.ltU(number.get, i32.const(limit)),
  );
  return [
    ...writeEight(number, i32.const(digits.byteOffset), word),
    ...word.set(isBelow.reduce((sum, one) => i32.add(sum, one))),
    ...i64.store(to.get, i64.load(word.get, digits.byteOffset)),
    ...to.set(i32.sub(i32.add(to.get, i32.const(8)), word.get)),
  ];
}

/** Eight digits of a number below 10^8. */
function writeEight(number: Variable, to: Code, word: Variable): Code {
  const quotient = (value: Code, by: number): Code => i32.divU(value, i32.const(by));
  const pairOf = (value: Code): Code => i32.load16u(i32.mul(value, i32.const(2)), pairs.byteOffset);
  const rest = (value: Code, by: number): Code => i32.sub(value, i32.mul(quotient(value, by), i32.const(by)));
  const half = (at: number): Code => [
    ...i32.store16(to, pairOf(quotient(word.get, 100)), at),
    ...i32.store16(to, pairOf(rest(word.get, 100)), at + 2),
  ];
  return [
    ...word.set(quotient(number.get, 10_000)),
    ...half(0),
    ...word.set(i32.sub(number.get, i32.mul(word.get, i32.const(10_000)))),
    ...half(4),
  ];
}

function writeBytes(
  { at, length, to }: { readonly at: Variable; readonly length: Variable; readonly to: Variable },
  scratch: Scratch,
  as: WrittenAs,
  stopDepth: number,
): Code {
  const { from, end } = scratch;
  return [
    ...i32.store8(to.get, i32.const(QUOTE)),
    ...advance(to, 1),
    ...from.set(at.get),
    ...end.set(i32.add(at.get, length.get)),
    ...(as === 'string' ? writeEscaped(to, scratch, stopDepth) : writeBase64(to, scratch)),
    ...i32.store8(to.get, i32.const(QUOTE)),
    ...advance(to, 1),
  ];
}

/** Sixteen bytes at once, up to the first one that is not written as it is. */
function writeEscaped(to: Variable, { from, end, left, word, vector }: Scratch, stopDepth: number): Code {
  const bytesLeft = i32.select(left.get, i32.const(VECTOR_BYTES), i32.ltS(left.get, i32.const(VECTOR_BYTES)));
  const ofText = i32.sub(i32.shl(i32.const(1), left.get), i32.const(1));
  const isMore = i32.ltU(from.get, end.get);
  return control.block(
    control.branchIf(i32.eq(from.get, end.get), 0),
    control.loop(
      vector.set(v128.load(from.get)),
      v128.store(to.get, vector.get),
      left.set(i32.sub(end.get, from.get)),
      left.set(bytesLeft),
      word.set(i32.and(v128.bitmask(isNotPlain(vector.get)), ofText)),
      control.block(
        control.branchIf(word.get, 0),
        from.set(i32.add(from.get, left.get)),
        to.set(i32.add(to.get, left.get)),
        control.branchIf(isMore, 1),
        control.branch(2),
      ),
      word.set(i32.ctz(word.get)),
      to.set(i32.add(to.get, word.get)),
      from.set(i32.add(from.get, word.get)),
      word.set(i32.load16u(i32.mul(i32.load8u(from.get), i32.const(2)), escapes.byteOffset)),
      control.branchIf(i32.eqz(word.get), stopDepth + 2),
      i32.store16(to.get, word.get),
      advance(to, 2),
      advance(from, 1),
      control.branchIf(isMore, 0),
    ),
  );
}

/** RFC 4648, section 4. */
function writeBase64(to: Variable, { from, end, word }: Scratch): Code {
  const letter = (shift: number): Code => {
    const six = i32.and(i32.shrU(word.get, i32.const(shift)), i32.const(63));
    return i32.load8u(six, base64.byteOffset);
  };
  const isOne = i32.eq(i32.add(from.get, i32.const(1)), end.get);
  const letters = (third: Code, last: Code): Code =>
    i32.or(
      i32.or(letter(18), i32.shl(letter(12), i32.const(8))),
      i32.or(i32.shl(third, i32.const(16)), i32.shl(last, i32.const(24))),
    );
  const first = i32.shl(i32.load8u(from.get), i32.const(16));
  const second = i32.shl(i32.load8u(from.get, 1), i32.const(8));
  return [
    ...control.block(
      control.loop(
        control.branchIf(i32.ltS(i32.sub(end.get, from.get), i32.const(3)), 1),
        word.set(i32.or(i32.or(first, second), i32.load8u(from.get, 2))),
        i32.store(to.get, letters(letter(6), letter(0))),
        advance(from, 3),
        advance(to, 4),
        control.branch(0),
      ),
    ),
    ...control.block(
      control.branchIf(i32.eq(from.get, end.get), 0),
      word.set(i32.or(first, i32.select(i32.const(0), second, isOne))),
      i32.store(to.get, letters(i32.select(i32.const(PADDING), letter(6), isOne), i32.const(PADDING))),
      advance(to, 4),
    ),
  ];
}
