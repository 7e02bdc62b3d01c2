/** Replacer for JSON.stringify: a bigint becomes decimal text. A JSON number loses digits above 2^53. */
export function bigintsAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
