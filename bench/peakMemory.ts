/**
 * The peak resident memory of a process, as the kernel counts it (VmHWM). Polls until the process is gone.
 */
import { readFileSync } from 'node:fs';

const LOOK_INTERVAL_MS = 50;

export class PeakMemory {
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;
  #peakKiB = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.#look();
    this.#timer = setInterval(() => {
      this.#look();
    }, LOOK_INTERVAL_MS);
  }

  #look(): void {
    try {
      const found = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.#pid}/status`, 'utf8'));
      this.#peakKiB = Math.max(this.#peakKiB, Number(found?.[1] ?? 0));
    } catch (error) {
      // The process is gone: keep the last value.
      if (
        (error as NodeJS.ErrnoException).code !== 'ENOENT' &&
        (error as NodeJS.ErrnoException).code !== 'ESRCH'
      )
        throw error;
    }
  }

  /** In MiB; 0 if the system does not report it. */
  stop(): number {
    clearInterval(this.#timer);
    this.#look();
    return Math.round(this.#peakKiB / 1024);
  }
}
