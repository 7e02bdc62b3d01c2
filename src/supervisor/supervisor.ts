/**
 * Runs several processes of a job on this host: starts again what dies, and ends them together. It knows
 * nothing of the job; what a process has is settled by the journal, whoever has it next.
 */
import type { ErrorCode } from '../../journal/errors.ts';
import { backoffMs } from '../system/backoff.ts';
import type { Clock } from '../system/clock.ts';
import type { Log } from '../telemetry/log.ts';
import type { ProcessEnd, StartedProcess, StartProcess } from './process.ts';

const RESTARTS = { firstMs: 1_000, longestMs: 30_000 };
/** A process that ran for so long is started again as after a first failure. */
const STEADY_MS = 60_000;
const EXIT_FAILURE = 1;
/** Of usage or configuration. */
const EXIT_CONFIG = 2;
/** Another process has taken over what this one is in its group: started again, it would take it back. */
const NEVER_AGAIN: readonly string[] = ['SOURCE_INSTANCE_FENCED' satisfies ErrorCode];

export interface SupervisorOptions {
  readonly processes: number;
  readonly start: StartProcess;
  readonly clock: Clock;
  readonly log: Log;
  /** How long the processes may take to end. */
  readonly shutdownMs: number;
  /** Gets every line of a process. */
  readonly onLine: (index: number, text: string, stream: 'stdout' | 'stderr') => void;
}

/** A process as the HTTP interface tells of it. */
export interface ProcessView {
  readonly index: number;
  /** Null: it does not run. */
  readonly pid: number | null;
  /** Of its HTTP interface. Null: it does not listen yet. */
  readonly port: number | null;
  readonly restarts: number;
}

interface Slot {
  readonly index: number;
  running: StartedProcess | null;
  port: number | null;
  starts: number;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #slots: readonly Slot[];
  readonly #stopping = new AbortController();
  #exitCode = 0;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.processes }, (_, index) => ({
      ...{ index, running: null, port: null, starts: 0 },
    }));
  }

  get isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  processes(): readonly ProcessView[] {
    return this.#slots.map(({ index, running, port, starts }) => ({
      ...{ index, port: running === null ? null : port, restarts: Math.max(0, starts - 1) },
      pid: running?.pid ?? null,
    }));
  }

  /** Resolves when all have ended, with the worst of their exit codes. */
  async run(): Promise<number> {
    await Promise.all(this.#slots.map((slot) => this.#keep(slot)));
    return this.#exitCode;
  }

  /** Asks all for their end. Who has not ended in time is killed. */
  stop(): void {
    if (this.isStopping) return;
    const { clock, log, shutdownMs } = this.#options;
    this.#stopping.abort();
    for (const { running } of this.#slots) running?.stop();
    const limit = clock.timer(shutdownMs, () => {
      for (const { index, running } of this.#slots) {
        if (running === null) continue;
        log.error({ process: index, pid: running.pid }, `process ${index} did not end in time: it is killed`);
        running.kill();
      }
    });
    const ends = this.#slots.flatMap(({ running }) => (running === null ? [] : [running.ended]));
    void Promise.all(ends).then(() => limit.cancel());
  }

  /** At once: the journal settles what they leave open. */
  kill(): void {
    this.#stopping.abort();
    for (const { running } of this.#slots) running?.kill();
  }

  async #keep(slot: Slot): Promise<void> {
    const { clock } = this.#options;
    for (let failures = 0; !this.isStopping;) {
      const startedMs = clock.nowMs();
      const end = await this.#runOnce(slot);
      if (this.isStopping as boolean) {
        this.#count(end.code ?? EXIT_FAILURE);
        return;
      }
      if (isFinal(end, slot.starts)) {
        this.#giveUp(slot, end);
        return;
      }
      failures = clock.nowMs() - startedMs >= STEADY_MS ? 1 : failures + 1;
      await this.#pauseBefore(slot, end, backoffMs(RESTARTS, failures));
    }
  }

  async #runOnce(slot: Slot): Promise<ProcessEnd> {
    const { start, log, onLine } = this.#options;
    const { index } = slot;
    slot.starts += 1;
    slot.port = null;
    const started = start(index, {
      line: (text, stream) => onLine(index, text, stream),
      listening: (port) => {
        slot.port = port;
      },
    });
    slot.running = started;
    log.info({ process: index, pid: started.pid }, `process ${index} is started`);
    const end = await started.ended;
    slot.running = null;
    return end;
  }

  #giveUp({ index }: Slot, end: ProcessEnd): void {
    this.#count(end.code ?? EXIT_FAILURE);
    this.#options.log.error(
      { process: index, exitCode: end.code, code: end.errorCode },
      `process ${index} ${endText(end)}: to start it again would not help, and all others are stopped`,
    );
    this.stop();
  }

  async #pauseBefore({ index, starts }: Slot, end: ProcessEnd, delayMs: number): Promise<void> {
    const { clock, log } = this.#options;
    log.warn(
      { process: index, exitCode: end.code, signal: end.signal, starts, delayMs },
      `process ${index} ${endText(end)}: it is started again in ${delayMs / 1_000} s`,
    );
    const { signal } = this.#stopping;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const wake = (): void => resolve(undefined);
    const timer = clock.timer(delayMs, wake);
    signal.addEventListener('abort', wake);
    await promise;
    signal.removeEventListener('abort', wake);
    timer.cancel();
  }

  #count(code: number): void {
    this.#exitCode = Math.max(this.#exitCode, code);
  }
}

/**
 * What a person has to change. The job file may also be edited while all run: then the others go on, and this
 * one is tried again.
 */
function isFinal({ code, errorCode }: ProcessEnd, starts: number): boolean {
  if (errorCode !== null && NEVER_AGAIN.includes(errorCode)) return true;
  return code === EXIT_CONFIG && starts === 1;
}

function endText({ code, signal, notStarted }: ProcessEnd): string {
  if (notStarted !== null) return `could not be started (${notStarted})`;
  return signal === null ? `ended with exit code ${code ?? '?'}` : `was ended by ${signal}`;
}
