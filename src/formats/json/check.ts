/**
 * Checks that bytes are one JSON text (RFC 8259) in UTF-8, without making anything of it: no recursion, and
 * nothing allocated. Numbers and duplicate names are left as they are.
 */
import type { BadReason } from '../format.ts';
import { utf8Length } from '../../../kernels/text/ascii.ts';

/** Deeper nesting is read by few engines, and harms some. */
const DEPTH_MAX = 1_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const SMALL_E = 0x65;
const SMALL_U = 0x75;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

const WORDS: ReadonlyMap<number, Buffer> = new Map(
  ['true', 'false', 'null'].map((word) => [word.charCodeAt(0), Buffer.from(word)]),
);
/** Bytes within a string that need no look. */
const IS_PLAIN = new Uint8Array(256);
for (let byte = 0x20; byte < 0x80; byte += 1) IS_PLAIN[byte] = byte === QUOTE || byte === BACKSLASH ? 0 : 1;
/** Behind a backslash. */
const IS_ESCAPE = new Uint8Array(256);
for (const letter of '"\\/bfnrt') IS_ESCAPE[letter.charCodeAt(0)] = 1;

/** What is wrong with a text. */
type Wrong = Extract<BadReason, 'invalid-json' | 'invalid-utf8' | 'too-deep'>;

/** What may come next. */
type Expected = 'value' | 'valueOrEnd' | 'nameOrEnd' | 'name' | 'colon' | 'commaOrEnd' | 'nothing';

export class JsonCheck {
  /** Whether line feeds or carriage returns stand between the tokens of the last text. */
  hasLineBreaks = false;
  /** Whether each open level is an object. */
  readonly #isObject = new Uint8Array(DEPTH_MAX);
  #depth = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;

  /** Null if bytes[start, end) is one JSON text. */
  check(bytes: Buffer, start: number, end: number): Wrong | null {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#depth = 0;
    this.hasLineBreaks = false;
    let expected: Expected = 'value';
    for (;;) {
      const byte = this.#skipSpace();
      if (byte < 0) return expected === 'nothing' ? null : 'invalid-json';
      const next: Expected | Wrong = this.#take(byte, expected);
      if (next === 'invalid-json' || next === 'invalid-utf8' || next === 'too-deep') return next;
      expected = next;
    }
  }

  /** The next byte that is no white space; -1 at the end. */
  #skipSpace(): number {
    const bytes = this.#bytes;
    for (; this.#at < this.#end; this.#at += 1) {
      const byte = bytes[this.#at] ?? 0;
      if (byte > 0x20) return byte;
      if (byte === LINE_FEED || byte === CARRIAGE_RETURN) this.hasLineBreaks = true;
      else if (byte !== 0x20 && byte !== 0x09) return byte;
    }
    return -1;
  }

  #take(byte: number, expected: Expected): Expected | Wrong {
    switch (expected) {
      case 'nothing':
        return 'invalid-json';
      case 'colon':
        if (byte !== COLON) return 'invalid-json';
        this.#at += 1;
        return 'value';
      case 'commaOrEnd':
        return this.#takeComma(byte);
      case 'nameOrEnd':
        if (byte === CLOSE_OBJECT) return this.#close();
        return this.#takeName(byte);
      case 'name':
        return this.#takeName(byte);
      case 'valueOrEnd':
        return byte === CLOSE_ARRAY ? this.#close() : this.#takeValue(byte);
      case 'value':
        return this.#takeValue(byte);
    }
  }

  #takeComma(byte: number): Expected | Wrong {
    const isObject = this.#isObject[this.#depth - 1] === 1;
    if (byte === (isObject ? CLOSE_OBJECT : CLOSE_ARRAY)) return this.#close();
    if (byte !== COMMA) return 'invalid-json';
    this.#at += 1;
    return isObject ? 'name' : 'value';
  }

  #takeName(byte: number): Expected | Wrong {
    if (byte !== QUOTE) return 'invalid-json';
    return this.#takeString() ?? 'colon';
  }

  #takeValue(byte: number): Expected | Wrong {
    if (byte === QUOTE) return this.#takeString() ?? this.#afterValue();
    if (byte === OPEN_OBJECT) return this.#open(1) ?? 'nameOrEnd';
    if (byte === OPEN_ARRAY) return this.#open(0) ?? 'valueOrEnd';
    if (byte === MINUS || (byte >= ZERO && byte <= NINE)) return this.#takeNumber() ?? this.#afterValue();
    const word = WORDS.get(byte);
    if (word === undefined) return 'invalid-json';
    for (const letter of word) {
      if (this.#at >= this.#end || this.#bytes[this.#at] !== letter) return 'invalid-json';
      this.#at += 1;
    }
    return this.#afterValue();
  }

  #afterValue(): Expected {
    return this.#depth === 0 ? 'nothing' : 'commaOrEnd';
  }

  #open(isObject: 0 | 1): Wrong | null {
    if (this.#depth === DEPTH_MAX) return 'too-deep';
    this.#isObject[this.#depth++] = isObject;
    this.#at += 1;
    return null;
  }

  #close(): Expected {
    this.#depth -= 1;
    this.#at += 1;
    return this.#afterValue();
  }

  /** From its quote on. */
  #takeString(): Wrong | null {
    const bytes = this.#bytes;
    const end = this.#end;
    let at = this.#at + 1;
    for (;;) {
      while (at < end && IS_PLAIN[bytes[at] ?? 0] === 1) at += 1;
      if (at >= end) return 'invalid-json';
      const byte = bytes[at] ?? 0;
      if (byte === QUOTE) {
        this.#at = at + 1;
        return null;
      }
      if (byte >= 0x80) {
        const length = utf8Length(bytes, at, end);
        if (length === 0) return 'invalid-utf8';
        at += length;
      } else if (byte === BACKSLASH) {
        const length = escapeLength(bytes, at, end);
        if (length === 0) return 'invalid-json';
        at += length;
      } else return 'invalid-json';
    }
  }

  #takeNumber(): Wrong | null {
    if (this.#peek() === MINUS) this.#at += 1;
    if (this.#peek() === ZERO) this.#at += 1;
    else if (!this.#takeDigits()) return 'invalid-json';
    if (this.#peek() === POINT) {
      this.#at += 1;
      if (!this.#takeDigits()) return 'invalid-json';
    }
    if ((this.#peek() | 0x20) !== SMALL_E) return null;
    this.#at += 1;
    if (this.#peek() === PLUS || this.#peek() === MINUS) this.#at += 1;
    return this.#takeDigits() ? null : 'invalid-json';
  }

  #takeDigits(): boolean {
    const from = this.#at;
    for (let byte = this.#peek(); byte >= ZERO && byte <= NINE; byte = this.#peek()) this.#at += 1;
    return this.#at > from;
  }

  /** 0 at the end. */
  #peek(): number {
    return this.#at < this.#end ? (this.#bytes[this.#at] ?? 0) : 0;
  }
}

/** Of the escape that begins at the backslash; 0 if it is none. */
function escapeLength(bytes: Buffer, at: number, end: number): number {
  const letter = at + 1 < end ? (bytes[at + 1] ?? 0) : 0;
  if (IS_ESCAPE[letter] === 1) return 2;
  if (letter !== SMALL_U || at + 6 > end) return 0;
  for (let index = at + 2; index < at + 6; index += 1) if (!isHex(bytes[index] ?? 0)) return 0;
  return 6;
}

function isHex(byte: number): boolean {
  const letter = byte | 0x20;
  return (byte >= ZERO && byte <= NINE) || (letter >= 0x61 && letter <= 0x66);
}
