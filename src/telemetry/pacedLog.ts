/**
 * A log with at most one line per second for each cause. Lines that come sooner are logged as details, and
 * the next one says how many they were. Errors are always logged.
 */
import type { Log } from './log.ts';

const PACE_MS = 1_000;
/** More causes than this are not remembered. */
const CAUSES_MAX = 1_000;

interface Cause {
  /** Monotonic: when its last line was logged. */
  readonly atMs: number;
  suppressed: number;
}

type Facts = Readonly<Record<string, unknown>>;

class Pacing {
  readonly #nowMs: () => number;
  readonly #causes = new Map<string, Cause>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** How many lines were suppressed since the last one; null if this one is to be, too. */
  take(cause: string): number | null {
    const nowMs = this.#nowMs();
    const before = this.#causes.get(cause);
    if (before !== undefined && nowMs - before.atMs < PACE_MS) {
      before.suppressed += 1;
      return null;
    }
    this.#causes.delete(cause);
    this.#causes.set(cause, { atMs: nowMs, suppressed: 0 });
    if (this.#causes.size > CAUSES_MAX) {
      const [oldest = ''] = this.#causes.keys();
      this.#causes.delete(oldest);
    }
    return before?.suppressed ?? 0;
  }
}

/** @param nowMs monotonic. */
export function pacedLog(log: Log, nowMs: () => number): Log {
  return paced(log, {}, new Pacing(nowMs));
}

function paced(log: Log, own: Facts, pacing: Pacing): Log {
  const pace = (level: 'info' | 'warn') => (fields: object, message: string) => {
    const suppressed = pacing.take(causeOf({ ...own, ...fields }, message));
    if (suppressed === null) log.debug(fields, message);
    else log[level](suppressed === 0 ? fields : { ...fields, suppressed }, message);
  };
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: pace('info'),
    warn: pace('warn'),
    error: (fields, message) => log.error(fields, message),
    child: (fields) => paced(log.child(fields), { ...own, ...fields }, pacing),
  };
}

/** One that fails has the same cause in every partition; all else is news of its own partition. */
function causeOf({ err, partition }: Facts, message: string): string {
  const code = typeof err === 'object' && err !== null && 'code' in err ? err.code : undefined;
  return JSON.stringify([message, code ?? partition ?? null]);
}
