/** Ends the real process, even if something in it hangs. */

/** Subtracted from a limit, so that the process is gone by then. */
const MARGIN_MS = 200;

/**
 * Ends the process with this exit code. Not by `process.exit`: Node then waits for calls in the thread pool,
 * forever if one never returns. Replacing the process by a program that exits at once waits for none of them.
 */
export function exitNow(code: number): void {
  try {
    process.execve?.(process.execPath, [process.execPath, '-e', `process.exit(${code})`], {});
  } catch {
    // If the process may not execute another program (a permission, a missing file), only the usual exit is
    // left.
  }
  process.exit(code);
}

/** Ends a process that is done, or was given up, and reports what kept it alive. */
export function endStuck(code: number, tell: (text: string) => void): void {
  if (pendingCalls().length === 0)
    tell(`tidemark: a connection was not closed; exiting anyway with ${code}\n`);
  endGivenUp(code, tell);
}

/**
 * The same if it is known that connections wait for what is unavailable: reports only calls that do not
 * return.
 */
export function endGivenUp(code: number, tell: (text: string) => void): void {
  const calls = pendingCalls();
  if (calls.length === 0) {
    exitNow(code);
    return;
  }
  const what = `${calls.length === 1 ? 'a call' : `${calls.length} calls`} to a disk or a name server`;
  tell(`tidemark: ${what} did not return; the exit code is ${code}, but the process has to kill itself\n`);
  process.kill(process.pid, 'SIGKILL');
  // In a container, the kernel does not deliver that signal to process 1.
  exitNow(code);
}

/** Requests that hold a thread of libuv's pool, by Node's names. */
const POOL_CALL = /^(FS|FILEHANDLECLOSE|FileHandleClose|GetAddrInfo|GetNameInfo|GETADDRINFO|GETNAMEINFO)/;

function pendingCalls(): string[] {
  return process.getActiveResourcesInfo().filter((name) => POOL_CALL.test(name));
}

/** Ends the process after `limitMs` if it has not ended by itself. */
export function endWithin(limitMs: number, code: () => number, tell: (text: string) => void): void {
  setTimeout(() => endStuck(code(), tell), Math.max(0, limitMs - MARGIN_MS)).unref();
}
