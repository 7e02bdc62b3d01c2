/** Lines of a process, marked with its number. */
export interface Marking {
  /** One JSON document per line; else lines for people. */
  readonly isJson: boolean;
  readonly nowIso: () => string;
}

/** With its line feed. What is no JSON document becomes one, if every line has to be one. */
export function marked(
  text: string,
  { index, stream }: { readonly index: number; readonly stream: 'stdout' | 'stderr' },
  { isJson, nowIso }: Marking,
): string {
  if (!isJson) return `[${index}] ${text}\n`;
  const fields = documentOf(text);
  if (fields !== null) return `${JSON.stringify({ process: index, ...fields })}\n`;
  // What a process tells outside of its log: an error that ends it, or its report.
  const level = stream === 'stderr' ? 'warn' : 'info';
  return `${JSON.stringify({ process: index, level, time: nowIso(), msg: text })}\n`;
}

function documentOf(text: string): object | null {
  if (!text.startsWith('{')) return null;
  try {
    return JSON.parse(text) as object;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
