/** Progress of commands that take long: a line on standard error now and then. */
import type { CliIo } from './io.ts';

const INTERVAL_MS = 5_000;

/** Returns a function to be called at any rate; the line is only made when it is due. */
export function occasionally({
  nowMs,
  stderr,
}: Pick<CliIo, 'nowMs' | 'stderr'>): (line: () => string) => void {
  let lastMs = nowMs();
  return (line) => {
    if (nowMs() - lastMs < INTERVAL_MS) return;
    lastMs = nowMs();
    stderr.write(`${line()}\n`);
  };
}
