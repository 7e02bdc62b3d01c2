import type { Log } from '../telemetry/log.ts';
import { createPinoLog } from '../telemetry/pinoLog.ts';
import type { CliIo } from './io.ts';

/** For commands that answer a question: logs only warnings and errors, to standard error. */
export function quietLog({ stderr }: Pick<CliIo, 'stderr'>): Log {
  const isTerminal = stderr.isTTY === true;
  return createPinoLog({
    level: 'warn',
    isHuman: isTerminal,
    hasColour: isTerminal,
    write: (line) => stderr.write(line),
  });
}
