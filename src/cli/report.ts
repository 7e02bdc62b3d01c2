/** Answers and errors as text or JSON. */
import { bigintsAsText } from '../../kernels/json.ts';
import { asTidemarkError, ERROR_CODES, TidemarkError } from '../../journal/errors.ts';
import { errorLines } from '../telemetry/loggable.ts';
import type { CliIo } from './io.ts';

/** The single document of `--json`. Offsets are strings, because they do not fit a JSON number. */
export function jsonText(document: unknown): string {
  return `${JSON.stringify(document, bigintsAsText, 2)}\n`;
}

/** Reports an error: lines on standard error, and with --json the document on standard output. */
export function reportError(
  error: unknown,
  { stdout, stderr }: Pick<CliIo, 'stdout' | 'stderr'>,
  isJson: boolean,
): void {
  stderr.write(
    textOfError(error)
      .map((line) => `${line}\n`)
      .join(''),
  );
  if (!isJson) return;
  const { code, message, fields } = asTidemarkError(error, 'The command');
  stdout.write(jsonText({ error: { code, message, fields } }));
}

function textOfError(error: unknown): readonly string[] {
  if (!(error instanceof TidemarkError)) return prefixed(errorLines(error));
  const { problems } = error.fields;
  if (error.code === 'CONFIG_INVALID' && Array.isArray(problems)) return problems as readonly string[];
  const { help } = ERROR_CODES[error.code];
  return [...prefixed(errorLines(error)), ...(error.code === 'USAGE' ? [] : [`  what to do: ${help}`])];
}

function prefixed([first = '', ...rest]: readonly string[]): string[] {
  return [`tidemark: ${first}`, ...rest.map((line) => `  ${line}`)];
}
