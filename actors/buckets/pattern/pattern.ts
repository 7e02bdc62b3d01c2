/**
 * Bucket patterns: folders named after a time and parts of a record, such as `yyyy-MM-dd--HH` or
 * `'dt='yyyy-MM-dd/'country='{value.country}`.
 *
 * Letters are units of time. Text in single quotes is literal; `''` is a quote. `{...}` is a part of the
 * record. `/` starts a folder.
 */

/** Coarsest to finest. */
const BUCKET_UNITS = ['year', 'month', 'day', 'hour', 'minute', 'second', 'millisecond'] as const;
export type BucketUnit = (typeof BUCKET_UNITS)[number];

/** A moment in the job's time zone. Months and days start at 1. */
export type BucketTime = Readonly<Record<BucketUnit, number>>;

/** What of a record a folder may be named after. */
export type BucketPart =
  | { readonly of: 'topic' | 'partition' | 'key' }
  /** A field of the value, which is a JSON object; each name is a step down. */
  | { readonly of: 'value'; readonly path: readonly string[] }
  /** The last header of this name. */
  | { readonly of: 'header'; readonly name: string };

export type BucketToken =
  | { readonly type: 'unit'; readonly unit: BucketUnit; readonly digits: number }
  | { readonly type: 'literal'; readonly text: string }
  /** `bytesMax`: the longest text that leaves its folder a name of legal length. */
  | { readonly type: 'part'; readonly part: BucketPart; readonly bytesMax: number };

export interface BucketPattern {
  /** As written in the job file. */
  readonly text: string;
  readonly tokens: readonly BucketToken[];
  /** Length of a bucket. Null if it holds no unit of time. */
  readonly finestUnit: BucketUnit | null;
}

export type BucketPatternResult =
  | { readonly type: 'parsed'; readonly pattern: BucketPattern }
  /** `at` is a character position, from 1; null if no single position is wrong. */
  | { readonly type: 'invalid'; readonly at: number | null; readonly reason: string };

const UNITS_BY_LETTERS: Readonly<Record<string, BucketUnit>> = {
  yyyy: 'year',
  MM: 'month',
  dd: 'day',
  HH: 'hour',
  mm: 'minute',
  ss: 'second',
  SSS: 'millisecond',
};
const LETTERS_KNOWN = Object.keys(UNITS_BY_LETTERS).join(' ');
const PUNCTUATION = '-_./=: ';
const FOLDER_BYTES_MAX = 200;
/** Of a part of a record. A longer one is cut and made distinct by its checksum. */
const PART_BYTES_MIN = 40;
/**
 * Of the whole path, where a part is in it: systems allow 1,023 or more for a sink, this and a file's name.
 */
const PATH_BYTES_MAX = 600;
const PARTS = '{value.FIELD}, {key}, {header.NAME}, {topic} or {partition}';

/** Internal: `parseBucketPattern` turns it into a result. */
class PatternError extends Error {
  readonly at: number | null;

  constructor(at: number | null, reason: string) {
    super(reason);
    this.at = at;
  }
}

/** Parses a pattern. Every folder that a valid pattern can produce has a safe name. */
export function parseBucketPattern(text: string): BucketPatternResult {
  try {
    const tokens = withRoom(tokenize(text));
    checkFolders(tokens);
    return { type: 'parsed', pattern: { text, tokens, finestUnit: finestUnitOf(tokens) } };
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return { type: 'invalid', at: error.at, reason: error.message };
  }
}

/**
 * Folder of a moment, relative to the sink, with `/` between folders.
 * @param textOf gives the text of a part: safe as a part of a path, not empty.
 */
export function renderBucketPattern(
  tokens: readonly BucketToken[],
  time: BucketTime,
  textOf: (token: BucketToken & { type: 'part' }, isAtStart: boolean) => string = () => '',
): string {
  let folder = '';
  for (const token of tokens) {
    if (token.type === 'literal') folder += token.text;
    else if (token.type === 'unit') folder += padded(time[token.unit], token.digits);
    else folder += textOf(token, folder === '' || folder.endsWith('/'));
  }
  return folder;
}

function padded(value: number, digits: number): string {
  const text = String(Math.abs(value)).padStart(digits, '0');
  return value < 0 ? `-${text}` : text;
}

function tokenize(text: string): BucketToken[] {
  const tokens: BucketToken[] = [];
  let literal = '';
  let at = 0;
  const flush = (): void => {
    if (literal !== '') tokens.push({ type: 'literal', text: literal });
    literal = '';
  };
  while (at < text.length) {
    const char = text.charAt(at);
    if (char === "'") {
      const quoted = readQuoted(text, at);
      literal += quoted.text;
      at = quoted.end;
    } else if (char === '{') {
      flush();
      const end = text.indexOf('}', at);
      if (end === -1) throw new PatternError(at + 1, 'this "{" is never closed');
      tokens.push({ type: 'part', part: partOf(text.slice(at + 1, end), at + 1), bytesMax: 0 });
      at = end + 1;
    } else if (/[A-Za-z]/.test(char)) {
      flush();
      const token = readUnit(text, at);
      tokens.push(token);
      at += token.digits;
    } else {
      if (!PUNCTUATION.includes(char)) {
        throw new PatternError(at + 1, `${shown(char)} must be in single quotes, like 'dt='`);
      }
      literal += char;
      at += 1;
    }
  }
  flush();
  return tokens;
}

/** @param at of the brace before it, from 1. */
function partOf(text: string, at: number): BucketPart {
  if (text === 'topic' || text === 'partition' || text === 'key') return { of: text };
  const dot = text.indexOf('.');
  const [of, rest] = dot === -1 ? [text, ''] : [text.slice(0, dot), text.slice(dot + 1)];
  if (of === 'header' && rest !== '') return { of, name: rest };
  const path = rest.split('.');
  if (of === 'value' && !path.includes('')) return { of, path };
  throw new PatternError(at, `{${text}} is no part of a record; expected ${PARTS}`);
}

/** Stands for a part in the outline of a path. No text of a pattern holds it. */
const PART_MARK = '\0';

/** The longest text of a token, as far as that does not depend on the record. */
function outlineOf(token: BucketToken): string {
  if (token.type === 'part') return PART_MARK;
  return token.type === 'literal' ? token.text : '0'.repeat(token.digits);
}

/** How long each part may be, so that an outline with parts in it does not become longer than this. */
function roomOf(outline: string, bytesMax: number): number {
  const pieces = outline.split(PART_MARK);
  return Math.floor((bytesMax - new TextEncoder().encode(pieces.join('')).length) / (pieces.length - 1));
}

/** Each part gets what the rest of its folder leaves, shared with the other parts there. */
function withRoom(tokens: readonly BucketToken[]): BucketToken[] {
  const outline = tokens.map(outlineOf).join('');
  const folders = outline.split('/');
  const inPath = roomOf(outline, PATH_BYTES_MAX);
  let at = 0;
  return tokens.map((token) => {
    at += outlineOf(token).split('/').length - 1;
    if (token.type !== 'part') return token;
    const inFolder = roomOf(folders[at] ?? '', FOLDER_BYTES_MAX);
    if (inFolder < PART_BYTES_MIN)
      throw new PatternError(null, `a folder's name may become longer than ${FOLDER_BYTES_MAX} bytes`);
    if (inPath < PART_BYTES_MIN)
      throw new PatternError(null, `the path may become longer than ${PATH_BYTES_MAX} bytes`);
    return { ...token, bytesMax: Math.min(inFolder, inPath) };
  });
}

function readUnit(text: string, at: number): BucketToken & { type: 'unit' } {
  const letter = text.charAt(at);
  let end = at + 1;
  while (text.charAt(end) === letter) end += 1;
  const letters = text.slice(at, end);
  const unit = UNITS_BY_LETTERS[letters];
  if (unit === undefined) {
    throw new PatternError(
      at + 1,
      `"${letters}" is no unit of time (${LETTERS_KNOWN}); text is in single quotes, like 'dt='`,
    );
  }
  return { type: 'unit', unit, digits: letters.length };
}

/** Reads the text after an opening quote. `''`, outside or inside quotes, is one quote. */
function readQuoted(text: string, start: number): { text: string; end: number } {
  if (text.charAt(start + 1) === "'") return { text: "'", end: start + 2 };
  let quoted = '';
  for (let at = start + 1; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === "'") {
      if (text.charAt(at + 1) !== "'") return { text: quoted, end: at + 1 };
      at += 1;
    } else if (isForbidden(char)) {
      throw new PatternError(at + 1, `${shown(char)} cannot be part of a folder's name`);
    }
    quoted += char;
  }
  throw new PatternError(start + 1, 'this quote is never closed');
}

function isForbidden(char: string): boolean {
  return char === '\\' || /\p{Cc}/u.test(char);
}

function shown(char: string): string {
  return /\p{Cc}/u.test(char)
    ? `control character U+${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`
    : `"${char}"`;
}

/**
 * Checks an outline of the path. Units always render as digits, and parts are encoded, so only literal text
 * can make a folder unsafe; a year before 1 starts with `-`.
 */
function checkFolders(tokens: readonly BucketToken[]): void {
  const outline = tokens.map(outlineOf).join('');
  for (const folder of outline.split('/')) {
    if (folder === '')
      throw new PatternError(
        null,
        'a folder has no name: a "/" is at the begin, at the end, or next to another',
      );
    if (/^[._]/.test(folder)) {
      throw new PatternError(
        null,
        `a folder begins with "${folder.charAt(0)}", which readers take for hidden`,
      );
    }
    if (new TextEncoder().encode(folder).length > FOLDER_BYTES_MAX) {
      throw new PatternError(null, `a folder's name is longer than ${FOLDER_BYTES_MAX} bytes`);
    }
  }
}

function finestUnitOf(tokens: readonly BucketToken[]): BucketUnit | null {
  const used = BUCKET_UNITS.filter((unit) =>
    tokens.some((token) => token.type === 'unit' && token.unit === unit),
  );
  const coarsest = used[0];
  const finest = used.at(-1);
  if (coarsest === undefined || finest === undefined) {
    if (tokens.some(({ type }) => type === 'part')) return null;
    throw new PatternError(null, `it holds no unit of time (${LETTERS_KNOWN})`);
  }
  for (const unit of BUCKET_UNITS.slice(BUCKET_UNITS.indexOf(coarsest), BUCKET_UNITS.indexOf(finest))) {
    if (!used.includes(unit)) {
      throw new PatternError(
        null,
        `it has a ${coarsest} and a ${finest} but no ${unit} (MM are months, mm are minutes)`,
      );
    }
  }
  return finest;
}
