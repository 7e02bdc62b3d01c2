/** A terminal that shows log lines above one changing line, never mixed. */

export interface TextOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  /** Width in characters. Unknown if the output is not a terminal. */
  readonly columns?: number | undefined;
}

const ERASE_LINE = '\r\u001b[2K';
const COLUMNS_DEFAULT = 80;

export interface Screen {
  /** Writes whole lines above the changing line. */
  writeLines(text: string): void;
  /** Replaces the changing line. Null removes it. */
  setLine(line: string | null): void;
}

export function createScreen(output: TextOutput): Screen {
  let drawn: string | null = null;
  const fitted = (line: string): string =>
    Array.from(line)
      .slice(0, (output.columns ?? COLUMNS_DEFAULT) - 1)
      .join('');
  return {
    writeLines(text) {
      output.write(drawn === null ? text : `${ERASE_LINE}${text}${drawn}`);
    },
    setLine(line) {
      const next = line === null ? null : fitted(line);
      if (next === drawn) return;
      output.write(`${drawn === null ? '' : ERASE_LINE}${next ?? ''}`);
      drawn = next;
    },
  };
}
