/**
 * Identifies a process of a machine, so that leftovers of a killed process can be distinguished from what a
 * living one uses.
 */
import { readFileSync, readlinkSync } from 'node:fs';

export interface ProcessIdentity {
  readonly bootId: string;
  readonly pidNamespace: string;
  readonly pid: number;
  /** In clock ticks since boot, as in /proc/[pid]/stat. */
  readonly processStartTime: string;
}

/** /proc on Linux. */
export interface ProcessTable {
  /** Null if the system cannot tell. */
  self(): ProcessIdentity | null;
  /** Start time of a living process. Null if there is none. */
  startTimeOf(pid: number): string | null;
}

export const procTable: ProcessTable = {
  self() {
    const processStartTime = startTimeFrom('/proc/self/stat');
    if (process.platform !== 'linux' || processStartTime === null) return null;
    return {
      bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      pidNamespace: readlinkSync('/proc/self/ns/pid'),
      pid: process.pid,
      processStartTime,
    };
  },
  startTimeOf: (pid) => startTimeFrom(`/proc/${pid}/stat`),
};

/**
 * The 22nd field. The second one, the program's name in parentheses, may hold spaces. A zombie holds no
 * connection, so it is gone.
 */
function startTimeFrom(statFile: string): string | null {
  let stat: string;
  try {
    stat = readFileSync(statFile, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' || state === 'X' ? null : (fields[18] ?? null);
}

/** Whether the process ran on this machine, since its last boot and in this pid namespace, and is gone. */
export function isGone(other: ProcessIdentity, self: ProcessIdentity, table: ProcessTable): boolean {
  if (other.bootId !== self.bootId || other.pidNamespace !== self.pidNamespace) return false;
  return table.startTimeOf(other.pid) !== other.processStartTime;
}
