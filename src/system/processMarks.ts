/** Names of processes that tell, on the same machine, whether their process is gone. */
import { createHash } from 'node:crypto';
import { isGone, procTable, type ProcessIdentity, type ProcessTable } from './processTable.ts';

/** MACHINE-PID-START: the machine since its last boot, and the pid namespace; when the process started. */
const MARK = /^([0-9a-f]{8})-(\d+)-(\d+)$/;

export interface ProcessMarks {
  readonly own: string;
  /** False for a process of another machine, boot or container: nothing is known of it. */
  isGone(mark: string): boolean;
}

/** By the pid alone where the system tells nothing of processes: then none is known to be gone. */
export function processMarks(table: ProcessTable = procTable): ProcessMarks {
  const self = table.self();
  if (self === null) return { own: String(process.pid), isGone: () => false };
  return {
    own: `${machineOf(self)}-${self.pid}-${self.processStartTime}`,
    isGone: (mark) => {
      const [, machine, pid, processStartTime = ''] = MARK.exec(mark) ?? [];
      return (
        machine === machineOf(self) && isGone({ ...self, pid: Number(pid), processStartTime }, self, table)
      );
    },
  };
}

function machineOf({ bootId, pidNamespace }: ProcessIdentity): string {
  return createHash('sha256').update(`${bootId} ${pidNamespace}`).digest('hex').slice(0, 8);
}
