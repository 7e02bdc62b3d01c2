/** The job file as YAML: its plain data, and the position of each key in the file. */
import {
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type ErrorCode,
  type Node,
  type Pair,
} from 'yaml';
import type { KeyPath } from './problems.ts';

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Position of a key. Not exact if the file lacks the key: then it is that of the nearest key above. */
export interface KeyPlace extends Place {
  readonly isExact: boolean;
}

export interface SyntaxProblem {
  readonly place: Place;
  readonly message: string;
}

export type YamlResult =
  | {
      readonly type: 'parsed';
      readonly data: unknown;
      readonly placeOf: (path: KeyPath, isKey: boolean) => KeyPlace;
    }
  | { readonly type: 'invalid'; readonly problems: readonly SyntaxProblem[] };

/**
 * How often the content of an anchor may be repeated, including repetitions by its own aliases: a few lines
 * can expand to gigabytes.
 */
const REPEATS_MAX = 1_000;

export function parseYaml(source: string): YamlResult {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const broken = [...document.errors, ...document.warnings];
  if (broken.length > 0) {
    const problems = broken.map((error) => ({
      place: place(error.pos[0]),
      message: syntaxMessage(error.code, error.message),
    }));
    return { type: 'invalid', problems };
  }
  const dangling = danglingAliasOf(document);
  if (dangling !== null) {
    const message =
      'this alias has no complete anchor above it; expected quotes around a text that begins with "*"';
    return { type: 'invalid', problems: [{ place: place(dangling), message }] };
  }
  const data = dataOf(document);
  if (data === null) {
    const message =
      `its aliases repeat too much; expected at most ${REPEATS_MAX} repetitions ` + 'of what an anchor names';
    return { type: 'invalid', problems: [{ place: place(0), message }] };
  }
  const placeOf = (path: KeyPath, isKey: boolean): KeyPlace => {
    const { offset, isExact } = offsetOf(document, path, isKey);
    return { ...place(offset), isExact };
  };
  return { type: 'parsed', data: data.value, placeOf };
}

/** Null if its aliases repeat too much. */
function dataOf(document: Document): { readonly value: unknown } | null {
  try {
    return { value: document.toJS({ maxAliasCount: REPEATS_MAX }) as unknown };
  } catch (error) {
    if (error instanceof ReferenceError) return null;
    throw error;
  }
}

function danglingAliasOf(document: Document): number | null {
  let offset: number | null = null;
  visit(document, {
    Alias(_key, alias) {
      const at = startOf(alias);
      const end = alias.resolve(document)?.range?.[1];
      // A node that has not ended yet contains the alias itself.
      if (end !== undefined && end <= at) return undefined;
      offset = at;
      return visit.BREAK;
    },
  });
  return offset;
}

/**
 * Parses the value after `-D key=`: a flow collection, a quoted text, a number, true, false, null or nothing
 * (null). Everything else is literal text, even if YAML would see a comment, a map or a syntax error.
 */
export function parseYamlValue(source: string): { readonly value: unknown } | { readonly reason: string } {
  const text = source.trim();
  if (/^[[{]/.test(text)) {
    const result = parseYaml(text);
    if (result.type === 'parsed') return { value: result.data };
    return { reason: result.problems[0]?.message ?? 'no valid YAML' };
  }
  if (text === '') return { value: null };
  const { contents, errors } = parseDocument(text, { prettyErrors: false });
  const isWhole = errors.length === 0 && isScalar(contents) && contents.range[1] === text.length;
  return { value: isWhole ? contents.value : text };
}

/**
 * Codes whose parser message is shown. The messages of all other codes quote the input, which may be a
 * secret.
 */
const PLAIN_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ALIAS_PROPS',
  'BAD_ALIAS',
  'BAD_INDENT',
  'BAD_PROP_ORDER',
  'BAD_SCALAR_START',
  'BLOCK_AS_IMPLICIT_KEY',
  'BLOCK_IN_FLOW',
  'KEY_OVER_1024_CHARS',
  'MISSING_CHAR',
  'MULTILINE_IMPLICIT_KEY',
  'MULTIPLE_ANCHORS',
  'MULTIPLE_TAGS',
  'TAB_AS_INDENT',
]);

const OWN_MESSAGES: Partial<Record<ErrorCode, string>> = {
  DUPLICATE_KEY: 'this key is here twice; expected once',
  MULTIPLE_DOCS: 'a second YAML document begins here; expected one job a file',
  TAG_RESOLVE_FAILED: 'no known YAML tag; expected quotes around a text that begins with "!"',
  BAD_COLLECTION_TYPE: 'no known YAML tag; expected quotes around a text that begins with "!"',
  BAD_DIRECTIVE: 'no YAML directive; expected quotes around a text that begins with "%"',
  BAD_DQ_ESCAPE: 'no known escape in double quotes; expected single quotes, or two backslashes for one',
};

function syntaxMessage(code: ErrorCode, message: string): string {
  const own = OWN_MESSAGES[code];
  if (own !== undefined) return own;
  if (PLAIN_CODES.has(code)) return `no valid YAML: ${message.replace(/\.?\s*$/, '')}`;
  const [kind = ''] = code === 'UNEXPECTED_TOKEN' ? message.split(':') : [];
  return kind === '' ? 'no valid YAML' : `no valid YAML: ${kind}`;
}

/** Offset of the value at the path, or of its key if the value is not a scalar. */
function offsetOf(document: Document, path: KeyPath, isKey: boolean): { offset: number; isExact: boolean } {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const [depth, step] of path.entries()) {
    const isLast = depth === path.length - 1;
    const child = childOf(node, step);
    if (child === null) return { offset, isExact: false };
    node = child.value;
    const isPlain = isScalar(child.value) && child.value.value !== null;
    offset = isLast && !isKey && isPlain ? startOf(child.value) : startOf(child.key ?? child.value);
  }
  return { offset, isExact: true };
}

function childOf(node: unknown, step: string | number): { key: unknown; value: unknown } | null {
  if (isMap(node)) {
    const pair = node.items.find(
      (item: Pair) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step),
    );
    return pair === undefined ? null : { key: pair.key, value: pair.value };
  }
  if (isSeq(node) && typeof step === 'number' && node.items[step] !== undefined)
    return { key: null, value: node.items[step] };
  return null;
}

function startOf(node: unknown): number {
  return isNode(node) ? ((node as Node).range?.[0] ?? 0) : 0;
}
