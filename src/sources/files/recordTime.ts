/** The time of a record: from its JSON if the job names a path, else the time of its file. */

/** Milliseconds since the epoch; null if the line has no readable time. */
export type TimeReader = (bytes: Buffer, start: number, end: number) => number | null;

const ISO = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)\s?(Z|[+-]\d\d(?::?\d\d)?)?)?$/i;

/** Parses ISO 8601, extended format. Without a zone it is UTC, independent of this machine's zone. */
export function parseIsoTime(text: string): number | null {
  const [, date, time, zone] = ISO.exec(text) ?? [];
  if (date === undefined) return null;
  if (time === undefined) return orNull(Date.parse(date));
  return orNull(Date.parse(`${date}T${time.replace(',', '.')}${normalZone(zone)}`));
}

function normalZone(zone: string | undefined): string {
  if (zone === undefined || zone.toUpperCase() === 'Z') return 'Z';
  const digits = zone.slice(1).replace(':', '');
  return `${zone.slice(0, 1)}${digits.slice(0, 2)}:${digits.slice(2) || '00'}`;
}

const orNull = (ms: number): number | null => (Number.isNaN(ms) ? null : ms);

/**
 * Reads the value at a dotted path of the line's JSON: a number is epoch milliseconds, a string an ISO time.
 */
export function timeReader(path: string): TimeReader {
  const keys = path.split('.');
  return (bytes, start, end) => {
    const value = valueAt(parseLine(bytes.toString('utf8', start, end)), keys);
    if (typeof value === 'string') return parseIsoTime(value);
    return typeof value === 'number' && Number.isFinite(value) ? Math.floor(value) : null;
  };
}

const BYTE_ORDER_MARK = 0xfeff;

function parseLine(text: string): unknown {
  try {
    return JSON.parse(text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text) as unknown;
  } catch {
    // Not JSON: the caller counts it as a line without a time.
    return null;
  }
}

function valueAt(json: unknown, keys: readonly string[]): unknown {
  let value = json;
  for (const key of keys) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** The times of one file's records. Lines without a readable time are counted, and logged once. */
export class FileTimes {
  readonly #read: TimeReader | null;
  readonly #onFirstWithout: (line: number) => void;
  /** Lines without a readable time so far. */
  linesWithout = 0;

  constructor(read: TimeReader | null, onFirstWithout: (line: number) => void) {
    this.#read = read;
    this.#onFirstWithout = onFirstWithout;
  }

  /** Null if the line has no readable time. `line` is its number, for the log. */
  timeOf(bytes: Buffer, start: number, end: number, line: number): number | null {
    if (this.#read === null) return null;
    const ms = this.#read(bytes, start, end);
    if (ms !== null) return ms;
    if (this.linesWithout === 0) this.#onFirstWithout(line);
    this.linesWithout += 1;
    return null;
  }
}
