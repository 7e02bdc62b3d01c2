/** What becomes of promise rejections that nobody handles while a world runs. */
import process from 'node:process';

/**
 * An unhandled rejection belongs to the run: other listeners are not called. Errors have no stack, which
 * takes time: a world is judged by codes and messages.
 */
export async function collectingRejections<T>(unhandled: string[], run: () => Promise<T>): Promise<T> {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const others = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', (reason) => {
    unhandled.push(reason instanceof Error ? reason.message : String(reason));
  });
  try {
    return await run();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    process.removeAllListeners('unhandledRejection');
    for (const listener of others) process.on('unhandledRejection', listener);
  }
}
