/**
 * Finds a field of a JSON object by its path, in bytes, without allocation. It does not check the JSON: what
 * it cannot follow has no such field. If a name is there twice, the last one counts, as in JSON.parse.
 */
import {
  BACKSLASH,
  CLOSE_LIST,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  LOWER_N,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
  skipSpace,
} from '../../../kernels/text/ascii.ts';
import { equalsAt } from '../../../kernels/text/bytes.ts';

const UTF8 = new TextEncoder();
const NOWHERE = -1;

export class JsonField {
  /** What `find` has found: bytes[start, end), of a string without its quotes. */
  start = 0;
  end = 0;
  type: 'text' | 'number' = 'text';
  /** Whether the string holds escapes. */
  isEscaped = false;
  readonly #path: readonly Uint8Array[];
  readonly #names: readonly string[];
  #isFound = false;

  constructor(path: readonly string[]) {
    this.#names = path;
    this.#path = path.map((name) => UTF8.encode(name));
  }

  /** False if bytes[start, end) is no object with a string, number or boolean there. */
  find(bytes: Uint8Array, start: number, end: number): boolean {
    this.#isFound = false;
    return this.#scan(bytes, skipSpace(bytes, start, end), end, 0) !== NOWHERE && this.#isFound;
  }

  /** Scans the object at `at`, of which the path's step `depth` is a name. Returns where it ends. */
  #scan(bytes: Uint8Array, at: number, end: number, depth: number): number {
    if (bytes[at] !== OPEN_OBJECT || at >= end) return NOWHERE;
    let next = skipSpace(bytes, at + 1, end);
    if (next < end && bytes[next] === CLOSE_OBJECT) return next + 1;
    while (next < end && bytes[next] === QUOTE) {
      const nameEnd = stringEnd(bytes, next, end);
      if (nameEnd === NOWHERE) return NOWHERE;
      const isNamed = this.#isName(bytes, next + 1, nameEnd - 1, depth);
      next = skipSpace(bytes, nameEnd, end);
      if (next >= end || bytes[next] !== COLON) return NOWHERE;
      next = skipSpace(bytes, next + 1, end);
      next = isNamed ? this.#take(bytes, next, end, depth) : valueEnd(bytes, next, end);
      if (next === NOWHERE) return NOWHERE;
      next = skipSpace(bytes, next, end);
      if (next >= end) return NOWHERE;
      if (bytes[next] === CLOSE_OBJECT) return next + 1;
      if (bytes[next] !== COMMA) return NOWHERE;
      next = skipSpace(bytes, next + 1, end);
    }
    return NOWHERE;
  }

  /** The value of a name of the path. */
  #take(bytes: Uint8Array, at: number, end: number, depth: number): number {
    this.#isFound = false;
    const first = bytes[at] ?? 0;
    if (depth < this.#path.length - 1 && first === OPEN_OBJECT && at < end)
      return this.#scan(bytes, at, end, depth + 1);
    const after = valueEnd(bytes, at, end);
    const isLast = depth === this.#path.length - 1;
    if (after === NOWHERE || !isLast || first === OPEN_OBJECT || first === OPEN_LIST || first === LOWER_N)
      return after;
    const isText = first === QUOTE;
    this.#isFound = true;
    this.type = isText ? 'text' : 'number';
    this.start = isText ? at + 1 : at;
    this.end = isText ? after - 1 : after;
    this.isEscaped = isText && holdsEscape(bytes, this.start, this.end);
    return after;
  }

  #isName(bytes: Uint8Array, start: number, end: number, depth: number): boolean {
    const name = this.#path[depth];
    if (name === undefined) return false;
    if (holdsEscape(bytes, start, end)) return unescaped(bytes, start, end) === this.#names[depth];
    return equalsAt(bytes, start, end, name);
  }
}

/** What is no UTF-8 becomes U+FFFD; nothing is left out. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(start, end));
}

/** The text of a JSON string with escapes. Null if an escape is none. */
export function unescaped(bytes: Uint8Array, start: number, end: number): string | null {
  const text = textOf(bytes, start, end);
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    // No JSON. Whoever needs to know that checks the whole value.
    return null;
  }
}

function holdsEscape(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (bytes[at] === BACKSLASH) return true;
  return false;
}

/** Behind the closing quote of the string at `at`. */
function stringEnd(bytes: Uint8Array, at: number, end: number): number {
  for (let next = at + 1; next < end; next += 1) {
    const byte = bytes[next];
    if (byte === QUOTE) return next + 1;
    if (byte === BACKSLASH) next += 1;
  }
  return NOWHERE;
}

/** Behind the value at `at`. Brackets are only counted: deep nesting takes no stack. */
function valueEnd(bytes: Uint8Array, at: number, end: number): number {
  let open = 0;
  let next = at;
  while (next < end) {
    const byte = bytes[next];
    if (byte === QUOTE) {
      next = stringEnd(bytes, next, end);
      if (next === NOWHERE || open === 0) return next;
      continue;
    }
    if (byte === OPEN_OBJECT || byte === OPEN_LIST) open += 1;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      if (open === 0) return next > at ? next : NOWHERE;
      open -= 1;
      if (open === 0) return next + 1;
    } else if (open === 0 && (byte === COMMA || skipSpace(bytes, next, end) > next)) {
      return next > at ? next : NOWHERE;
    }
    next += 1;
  }
  return NOWHERE;
}
