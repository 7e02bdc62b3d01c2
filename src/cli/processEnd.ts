/** How the real process ends, whatever still hangs in it. */

/** Kept back from a limit: the process is to be gone by then. */
const MARGIN_MS = 200;

/**
 * Ends the process with this exit code. Not by `process.exit`: Node waits there for calls in the thread pool, for ever where one never
 * returns. Another program in its place, which ends at once, waits for none of them.
 */
export function exitNow(code: number): void {
  try {
    process.execve?.(process.execPath, [process.execPath, '-e', `process.exit(${code})`], {});
  } catch {
    // Where a program may start no other (a permission, a missing file), what is left is the usual way.
  }
  process.exit(code);
}

/** Ends the process that is done, or has been given up, and says what kept it. */
export function endStuck(code: number, tell: (text: string) => void): void {
  if (pendingCalls().length === 0)
    tell(`tidemark: a connection was not closed; exiting all the same with ${code}\n`);
  endGivenUp(code, tell);
}

/** The same where it is known that connections wait for what is away: only a call that does not return is told. */
export function endGivenUp(code: number, tell: (text: string) => void): void {
  const calls = pendingCalls();
  if (calls.length === 0) {
    exitNow(code);
    return;
  }
  const what = `${calls.length === 1 ? 'a call' : `${calls.length} calls`} to a disk or a name server`;
  tell(`tidemark: ${what} did not return; the exit code is ${code}, but the process has to kill itself\n`);
  process.kill(process.pid, 'SIGKILL');
  // The kernel spares process 1 of a container that signal.
  exitNow(code);
}

/** Requests that hold a thread of libuv's pool, as Node names them. */
const POOL_CALL = /^(FS|FILEHANDLECLOSE|FileHandleClose|GetAddrInfo|GetNameInfo|GETADDRINFO|GETNAMEINFO)/;

function pendingCalls(): string[] {
  return process.getActiveResourcesInfo().filter((name) => POOL_CALL.test(name));
}

/** Ends the process after `limitMs` where it has not ended by itself. */
export function endWithin(limitMs: number, code: () => number, tell: (text: string) => void): void {
  setTimeout(() => endStuck(code(), tell), Math.max(0, limitMs - MARGIN_MS)).unref();
}
