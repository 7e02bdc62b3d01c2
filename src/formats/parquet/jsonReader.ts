/** Reads JSON completely: escapes, nesting, white space, and every error. It makes no JavaScript values. */
import {
  BACKSLASH,
  CLOSE_LIST,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  DOT,
  hexDigit,
  isDigit,
  LOWER_E,
  LOWER_F,
  LOWER_N,
  LOWER_T,
  LOWER_U,
  MINUS,
  OPEN_LIST,
  OPEN_OBJECT,
  PLUS,
  QUOTE,
  skipSpace,
  SPACE,
  UPPER_E,
  utf8Length,
  ZERO,
} from '../../../kernels/text/ascii.ts';
import type { BadReason } from './badValue.ts';

/** Deeper JSON is refused: what reads it calls itself for each level. */
const NESTING_MAX = 500;

const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const NULL = Buffer.from('null');
const SCRATCH_BYTES_KEPT = 1 << 20;

/** What the letter after a backslash stands for; 0 for all that stand for nothing. */
const ESCAPED = new Uint8Array(256);
for (const [letter, meaning] of ['""', '\\\\', '//', 'b\b', 'f\f', 'n\n', 'r\r', 't\t']) {
  ESCAPED[letter?.charCodeAt(0) ?? 0] = meaning?.charCodeAt(0) ?? 0;
}

/**
 * Each method takes where something begins and returns where it ends, or -1: then `reason` and `failedAt` are
 * set.
 */
export class JsonReader {
  bytes: Uint8Array = new Uint8Array(0);
  end = 0;
  reason: BadReason = 'syntax';
  failedAt = 0;
  /** The content of the string that was read last, without escapes. */
  text = new Uint8Array(256);
  textLength = 0;
  /** False while a value is passed over: then nobody asks for the text. */
  #isKept = true;

  fail(reason: BadReason, at: number): -1 {
    this.reason = reason;
    this.failedAt = at;
    return -1;
  }

  /** @param at at the quote. Fills `text`. */
  string(at: number): number {
    this.#isKept = true;
    return this.#string(at);
  }

  #string(at: number): number {
    const { bytes, end } = this;
    this.textLength = 0;
    if (bytes[at] !== QUOTE || at >= end) return this.fail('syntax', at);
    let next = at + 1;
    while (next < end) {
      const runEnd = this.#plainRun(next);
      if (runEnd < 0) return -1;
      this.#addText(next, runEnd);
      if (runEnd >= end) break;
      if (bytes[runEnd] === QUOTE) return runEnd + 1;
      next = this.#escape(runEnd);
      if (next < 0) return -1;
    }
    return this.fail('syntax', end);
  }

  /** The next quote or backslash, or the end. */
  #plainRun(at: number): number {
    const { bytes, end } = this;
    let next = at;
    while (next < end) {
      const byte = bytes[next] ?? 0;
      if (byte === QUOTE || byte === BACKSLASH) return next;
      if (byte < SPACE) return this.fail('syntax', next);
      if (byte < 0x80) next += 1;
      else {
        const length = utf8Length(bytes, next, end);
        if (length === 0) return this.fail('utf8', next);
        next += length;
      }
    }
    return next;
  }

  #escape(at: number): number {
    const { bytes, end } = this;
    const letter = at + 1 < end ? (bytes[at + 1] ?? 0) : 0;
    if (letter !== LOWER_U) {
      const meaning = ESCAPED[letter] ?? 0;
      if (meaning === 0) return this.fail('syntax', at);
      this.#addByte(meaning);
      return at + 2;
    }
    const unit = this.#codeUnit(at);
    if (unit < 0) return this.fail('syntax', at);
    if (unit < 0xd800 || unit > 0xdfff) {
      this.#addCodePoint(unit);
      return at + 6;
    }
    const second = this.#codeUnit(at + 6);
    if (unit > 0xdbff || second < 0xdc00 || second > 0xdfff) return this.fail('utf8', at);
    this.#addCodePoint(0x10000 + ((unit - 0xd800) << 10) + (second - 0xdc00));
    return at + 12;
  }

  /** The number of a \u escape, or -1 if there is none. */
  #codeUnit(at: number): number {
    const { bytes, end } = this;
    if (at + 6 > end || bytes[at] !== BACKSLASH || bytes[at + 1] !== LOWER_U) return -1;
    let unit = 0;
    for (let index = 2; index < 6; index += 1) {
      const digit = hexDigit(bytes[at + index] ?? 0);
      if (digit < 0) return -1;
      unit = unit * 16 + digit;
    }
    return unit;
  }

  /** The end of a number by JSON's grammar; what follows it is not looked at. */
  number(at: number): number {
    const end = numberEnd(this.bytes, at, this.end);
    return end < 0 ? this.fail('syntax', at) : end;
  }

  /** @param at at a letter. */
  literal(at: number): number {
    const { bytes, end } = this;
    const first = bytes[at];
    const word = first === LOWER_T ? TRUE : first === LOWER_F ? FALSE : first === LOWER_N ? NULL : null;
    if (word === null || at + word.length > end) return this.fail('syntax', at);
    for (let index = 1; index < word.length; index += 1) {
      if (bytes[at + index] !== word[index]) return this.fail('syntax', at);
    }
    return at + word.length;
  }

  /** Reads a value that nobody wants. @param depth how many lists and objects it is in. */
  skipValue(at: number, depth: number): number {
    if (at >= this.end) return this.fail('syntax', at);
    const byte = this.bytes[at] ?? 0;
    this.#isKept = false;
    if (byte === QUOTE) return this.#string(at);
    if (byte === MINUS || isDigit(byte)) return this.number(at);
    if (byte !== OPEN_LIST && byte !== OPEN_OBJECT) return this.literal(at);
    if (depth >= NESTING_MAX) return this.fail('tooDeep', at);
    return this.#skipItems(at, depth + 1, byte === OPEN_OBJECT);
  }

  #skipItems(at: number, depth: number, isObject: boolean): number {
    const close = isObject ? CLOSE_OBJECT : CLOSE_LIST;
    let next = skipSpace(this.bytes, at + 1, this.end);
    if (next < this.end && this.bytes[next] === close) return next + 1;
    for (;;) {
      if (isObject) {
        this.#isKept = false;
        const keyEnd = this.#string(next);
        if (keyEnd < 0) return -1;
        next = this.colon(keyEnd);
        if (next < 0) return -1;
      }
      next = this.skipValue(next, depth);
      if (next < 0) return -1;
      next = this.separator(next, close);
      if (next < 0) return -1;
      if (this.bytes[next - 1] === close) return next;
      next = skipSpace(this.bytes, next, this.end);
    }
  }

  /** Reads `:` and the space around it. */
  colon(at: number): number {
    const next = skipSpace(this.bytes, at, this.end);
    if (next >= this.end || this.bytes[next] !== COLON) return this.fail('syntax', next);
    return skipSpace(this.bytes, next + 1, this.end);
  }

  /** Reads a comma, or what closes the list or object. Returns the end of it: it is the byte before. */
  separator(at: number, close: number): number {
    const next = skipSpace(this.bytes, at, this.end);
    const byte = next < this.end ? this.bytes[next] : 0;
    return byte === COMMA || byte === close ? next + 1 : this.fail('syntax', next);
  }

  /** Gives back the memory of a very long string. */
  trim(): void {
    if (this.text.length > SCRATCH_BYTES_KEPT) this.text = new Uint8Array(256);
  }

  #addText(start: number, end: number): void {
    if (!this.#isKept) return;
    const length = end - start;
    this.#reserve(length);
    this.text.set(this.bytes.subarray(start, end), this.textLength);
    this.textLength += length;
  }

  #addByte(byte: number): void {
    if (!this.#isKept) return;
    this.#reserve(1);
    this.text[this.textLength] = byte;
    this.textLength += 1;
  }

  #addCodePoint(point: number): void {
    if (point < 0x80) {
      this.#addByte(point);
      return;
    }
    if (point < 0x800) this.#addByte(0xc0 | (point >> 6));
    else {
      if (point < 0x10000) this.#addByte(0xe0 | (point >> 12));
      else {
        this.#addByte(0xf0 | (point >> 18));
        this.#addByte(0x80 | ((point >> 12) & 0x3f));
      }
      this.#addByte(0x80 | ((point >> 6) & 0x3f));
    }
    this.#addByte(0x80 | (point & 0x3f));
  }

  #reserve(bytes: number): void {
    if (this.textLength + bytes <= this.text.length) return;
    const grown = new Uint8Array(2 * (this.textLength + bytes));
    grown.set(this.text.subarray(0, this.textLength));
    this.text = grown;
  }
}

/** The end of the number that begins at `at`, or -1 if there is none by JSON's grammar. */
export function numberEnd(bytes: Uint8Array, at: number, end: number): number {
  let next = at;
  if (next < end && bytes[next] === MINUS) next += 1;
  const whole = digitsEnd(bytes, next, end);
  if (whole === next || (bytes[next] === ZERO && whole > next + 1)) return -1;
  next = whole;
  if (next < end && bytes[next] === DOT) {
    const fraction = digitsEnd(bytes, next + 1, end);
    if (fraction === next + 1) return -1;
    next = fraction;
  }
  if (next < end && (bytes[next] === LOWER_E || bytes[next] === UPPER_E)) {
    const isSigned = next + 1 < end && (bytes[next + 1] === PLUS || bytes[next + 1] === MINUS);
    const digits = next + (isSigned ? 2 : 1);
    const exponent = digitsEnd(bytes, digits, end);
    if (exponent === digits) return -1;
    next = exponent;
  }
  return next;
}

function digitsEnd(bytes: Uint8Array, at: number, end: number): number {
  let next = at;
  while (next < end && isDigit(bytes[next] ?? 0)) next += 1;
  return next;
}
