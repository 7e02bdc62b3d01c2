/** Journals that a run has ended. Only readers of the journal use it: it never keeps the process for long. */
import type { DrainReason } from '../../actors/coordinator.ts';
import { stopJob } from '../job/jobLife.ts';
import type { Context } from '../job/context.ts';

const LIMIT_MS = 5_000;

/** Never rejects. Gives up after `leftMs`, or a few seconds. */
export async function journalStop(context: Context, reason: DrainReason, leftMs: number): Promise<void> {
  const { clock, log } = context.ports;
  const limit = new AbortController();
  const limitMs = Math.min(LIMIT_MS, leftMs);
  const timer = clock.timer(limitMs, () => {
    limit.abort();
  });
  const cut = new Promise<never>((_, reject) => {
    limit.signal.addEventListener('abort', () => {
      reject(new Error(`the journal did not answer for ${limitMs} ms`));
    });
  });
  try {
    await Promise.race([stopJob(context, reason, limit.signal), cut]);
  } catch (error) {
    log.warn({ err: error }, 'the end of this run could not be journaled');
  } finally {
    timer.cancel();
  }
}
