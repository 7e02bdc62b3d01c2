/** Counters of one run, for progress, its report and its metrics. */
import { RunCounts } from '../telemetry/runCounts.ts';

export interface CommittedFile {
  readonly uri: string;
  readonly records: number;
  readonly bytes: number;
}

export class RunStats {
  recordsRead = 0;
  bytesWritten = 0;
  openFiles = 0;
  /** Those of them that the system holds open: closed ones only wait for their checkpoint. */
  heldFiles = 0;
  pendingFiles = 0;
  committedFiles = 0;
  recordsCommitted = 0;
  readonly counts = new RunCounts();
  /** Kept only for bounded runs: a service commits files for years. */
  readonly committed: CommittedFile[] = [];
  readonly #keepFiles: boolean;

  constructor(options: { keepFiles: boolean }) {
    this.#keepFiles = options.keepFiles;
  }

  fileCommitted(file: CommittedFile): void {
    this.committedFiles += 1;
    this.recordsCommitted += file.records;
    if (this.#keepFiles) this.committed.push(file);
  }
}
