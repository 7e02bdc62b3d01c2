/** The job file as YAML: its plain data, and where in the file each key stands. */
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
  type Node,
  type Pair,
} from 'yaml';
import type { KeyPath } from './problems.ts';

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Where a key stands; not exact where the file does not hold it: then the nearest key above it. */
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

/** The job file is its user's own: no need to guard against it. */
const ALIASES_UNLIMITED = -1;

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
  const data: unknown = document.toJS({ maxAliasCount: ALIASES_UNLIMITED });
  const placeOf = (path: KeyPath, isKey: boolean): KeyPlace => {
    const { offset, isExact } = offsetOf(document, path, isKey);
    return { ...place(offset), isExact };
  };
  return { type: 'parsed', data, placeOf };
}

function danglingAliasOf(document: Document): number | null {
  let offset: number | null = null;
  visit(document, {
    Alias(_key, alias) {
      const at = startOf(alias);
      const end = alias.resolve(document)?.range?.[1];
      // A node that is not complete yet holds the alias itself.
      if (end !== undefined && end <= at) return undefined;
      offset = at;
      return visit.BREAK;
    },
  });
  return offset;
}

/**
 * One value as it stands behind `-D key=`: a flow collection, a quoted text, a number, true, false, null or nothing (null); all
 * else is text as it stands, also where YAML would see a comment, a map or a syntax error.
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

/** The parser quotes what it stumbled over, which may be a secret: only its own words are kept. */
function syntaxMessage(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'this key stands here twice; expected once';
  if (code === 'MULTIPLE_DOCS') return 'a second YAML document begins here; expected one job a file';
  return `no valid YAML: ${message.replace(/: ".*$/s, '').replace(/\.?\s*$/, '')}`;
}

/** Where the value at the path begins (its key where the value is no scalar). */
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
