/**
 * Standard error that may fail for a while (its disk is full). Lines that cannot be written are lost and
 * counted, and their number is written afterwards.
 */
import { formatNoun } from './format.ts';
import type { TextOutput } from './screen.ts';

export interface OutputStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string, done: (error?: Error | null) => void): unknown;
}

export function createLossyOutput(stream: OutputStream, nowIso: () => string): TextOutput {
  let lostLines = 0;
  let reason = '';
  const notice = (): string => {
    const msg = `${formatNoun(lostLines, 'line')} could not be written here (${reason}): lost`;
    if (stream.isTTY === true) return `${msg}\n`;
    // The line before it may be torn.
    return `\n${JSON.stringify({ level: 'warn', time: nowIso(), lostLines, msg })}\n`;
  };
  return {
    get isTTY() {
      return stream.isTTY;
    },
    get columns() {
      return stream.columns;
    },
    write(text) {
      const before = lostLines;
      const whole = before === 0 ? text : `${notice()}${text}`;
      lostLines = 0;
      stream.write(whole, (error) => {
        if (error === undefined || error === null) return;
        lostLines += before + (text.split('\n').length - 1);
        reason = 'code' in error ? String(error.code) : error.message;
      });
    },
  };
}
