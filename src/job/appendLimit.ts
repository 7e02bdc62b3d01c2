/** Limits how long a bounded run retries an append: `startup.timeout`. A service retries without limit. */
import { JournalFailure } from '../../journal/failure.ts';
import type { Context } from './context.ts';

/** Rejects with JOURNAL_UNAVAILABLE after that time. The entry may still have been appended. */
export async function limitedAppend<T>(
  { ports, settings }: Context,
  signal: AbortSignal | undefined,
  append: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  if (!settings.untilEnd) return append(signal);
  const limit = new AbortController();
  const cut = (): void => limit.abort(signal?.reason);
  signal?.addEventListener('abort', cut);
  if (signal?.aborted === true) cut();
  const { startupMs } = settings;
  const timer = ports.clock.timer(startupMs, () => {
    const message = `The journal took no entry for ${startupMs} ms (startup.timeout): it is away, or full.`;
    limit.abort(new JournalFailure('unavailable', message));
  });
  try {
    return await append(limit.signal);
  } finally {
    timer.cancel();
    signal?.removeEventListener('abort', cut);
  }
}
