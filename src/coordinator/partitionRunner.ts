/**
 * The runner of one assigned partition: claims, runs an epoch, and decides what follows its end: another claim with backoff
 * (fenced, transient), the stop that names offsets and files (P6), or the end.
 */
import type { StopFacts } from '../../actors/facts.ts';
import { asTidemarkError, hasCode, TidemarkError } from '../../journal/errors.ts';
import { partitionName } from '../../journal/ids.ts';
import { FailureLatch, Gate } from './concurrency.ts';
import { Epoch, type PartitionTask } from './epoch.ts';
import type { Context } from './options.ts';
import { decideRequest, readRequests } from './requests.ts';

const BACKOFF_FIRST_MS = 500;
const BACKOFF_LONGEST_MS = 10_000;
const REQUEST_POLL_MS = 1_000;

/** Codes after which the journal itself is in doubt: nothing may be appended to it. */
const JOURNAL_IN_DOUBT = ['JOURNAL_CORRUPT', 'JOURNAL_ROLLED_BACK', 'JOURNAL_REPLACED'] as const;

export type RunnerEnd =
  | { readonly type: 'ended' | 'drained' | 'released' }
  | { readonly type: 'stopped'; readonly stop: StopFacts };

type EpochEnd =
  RunnerEnd | { readonly type: 'again'; readonly error: TidemarkError; readonly madeProgress: boolean };

export class PartitionRunner {
  readonly #context: Context;
  readonly #task: PartitionTask;
  readonly #drain = new Gate();
  readonly #released = new AbortController();
  #latch = new FailureLatch();
  #epoch: Epoch | null = null;
  #stop: StopFacts | null = null;

  constructor(context: Context, task: PartitionTask) {
    this.#context = context;
    this.#task = task;
  }

  get task(): PartitionTask {
    return this.#task;
  }

  /** Why the partition is stopped; null while it is not. */
  get stop(): StopFacts | null {
    return this.#stop;
  }

  /** The next offset to read, ahead of the journal's; null before the claim. */
  get flowOffset(): bigint | null {
    return this.#epoch?.flowOffset ?? null;
  }

  /** A last checkpoint, then the end; files in progress stay resumable. */
  drain(): void {
    this.#drain.open();
  }

  /** The partition is no longer assigned: lets go at once. */
  release(): void {
    this.#released.abort();
    this.#latch.fail(
      new TidemarkError('FENCED', `${this.#name} is no longer assigned to this process.`),
      'Releasing',
    );
  }

  get #name(): string {
    return partitionName(this.#task.partition);
  }

  get #isReleased(): boolean {
    return this.#released.signal.aborted;
  }

  /** Resolves when the partition has ended. Rejects only with what concerns the whole job (configuration). */
  async run(): Promise<RunnerEnd> {
    for (let failures = 0; ;) {
      const outcome = await this.#runEpoch();
      if (outcome.type !== 'again') return outcome;
      if (this.#isReleased) return { type: 'released' };
      if (this.#drain.isOpen) {
        this.#context.ports.log.warn(
          { partition: this.#name, err: outcome.error },
          'stopped without a last checkpoint',
        );
        return { type: 'drained' };
      }
      if (outcome.madeProgress) failures = 0;
      await this.#backOff(failures, outcome.error);
      failures += 1;
      if (this.#isReleased) return { type: 'released' };
    }
  }

  async #runEpoch(): Promise<EpochEnd> {
    this.#latch = new FailureLatch();
    this.#epoch = null;
    this.#stop = null;
    try {
      const epoch = await Epoch.begin(
        this.#context,
        this.#task,
        this.#latch,
        this.#drain,
        this.#released.signal,
      );
      this.#epoch = epoch;
      this.#logClaim(epoch);
      await epoch.checkWitness();
      const { stop } = epoch.claim.host.ledger.facts;
      if (stop !== null) return await this.#stayStopped(epoch, stop);
      return { type: await epoch.run() };
    } catch (cause) {
      return await this.#afterFailure(cause);
    } finally {
      await (this.#epoch as Epoch | null)?.quiesce();
    }
  }

  #logClaim({ claim }: Epoch): void {
    const { nextOffset } = claim.host.ledger.facts;
    this.#context.ports.log.info({ partition: this.#name, epoch: claim.epoch, nextOffset }, 'partition claimed');
  }

  async #afterFailure(cause: unknown): Promise<EpochEnd> {
    const epoch = this.#epoch;
    const error = this.#latch.failure ?? asTidemarkError(cause, `Partition ${this.#name}`);
    if (this.#isReleased) return { type: 'released' };
    if (error.retry === 'config') throw error;
    if (error.retry === 'fenced' || error.retry === 'transient') {
      return { type: 'again', error, madeProgress: (epoch?.claim.host.ledger.facts.checkpoint ?? 0) > 0 };
    }
    const stop = stopFactsOf(error);
    this.#context.ports.log.error({ err: error, partition: this.#name }, 'the partition stops');
    await epoch?.quiesce();
    if (epoch === null || hasCode(error, ...JOURNAL_IN_DOUBT)) {
      epoch?.claim.host.ledger.note({ type: 'halted', stop });
      this.#stop = stop;
      return await this.#waitHalted(stop);
    }
    await epoch.claim.host.submit(() => [{ type: 'partitionStopped', ...stop, files: [...stop.files] }]);
    return await this.#stayStopped(epoch, stop);
  }

  /** Waits for an operator's decision; a bounded run does not wait. */
  async #stayStopped(epoch: Epoch, stop: StopFacts): Promise<EpochEnd> {
    this.#stop = stop;
    const { host } = epoch.claim;
    const { journal, clock, log } = this.#context.ports;
    log.error(
      { partition: this.#name, ...stop },
      'the partition is stopped until an operator resumes it or accepts the loss',
    );
    for (;;) {
      const { lastRequestId } = host.ledger.facts;
      for (const request of await readRequests(
        journal,
        this.#context.settings.job,
        this.#task.partition,
        lastRequestId,
      )) {
        await host.submit((stage) => decideRequest(stage, request));
        log.info({ partition: this.#name, ...request }, 'operator request taken up');
      }
      if (host.ledger.facts.stop === null) {
        const error = new TidemarkError('FENCED', `${this.#name} is resumed: claiming again.`);
        return { type: 'again', error, madeProgress: true };
      }
      if (this.#drain.isOpen || this.#task.endOffset !== null) return { type: 'stopped', stop };
      if (this.#isReleased) return { type: 'released' };
      await clock.pause(REQUEST_POLL_MS);
    }
  }

  /** Stopped by what cannot be journaled: nothing but a restart after the repair helps. */
  async #waitHalted(stop: StopFacts): Promise<EpochEnd> {
    if (this.#task.endOffset === null) {
      const released = new Promise<void>((resolve) => {
        this.#released.signal.addEventListener('abort', () => {
          resolve();
        });
      });
      await Promise.race([this.#drain.opened, released]);
    }
    return this.#isReleased ? { type: 'released' } : { type: 'stopped', stop };
  }

  async #backOff(failures: number, error: TidemarkError): Promise<void> {
    const delayMs = Math.min(BACKOFF_LONGEST_MS, BACKOFF_FIRST_MS * 2 ** Math.min(failures, 6));
    const log = this.#context.ports.log;
    const entry = { partition: this.#name, err: error, delayMs };
    if (error.retry === 'fenced') log.info(entry, 'the epoch is over; claiming again');
    else log.warn(entry, 'the epoch is given up; it is settled anew');
    await this.#context.ports.clock.pause(delayMs);
  }
}

function stopFactsOf(error: TidemarkError): StopFacts {
  const { fromOffset, toOffset, files } = error.fields;
  return {
    code: error.code,
    message: error.message,
    fromOffset: typeof fromOffset === 'bigint' ? fromOffset : null,
    toOffset: typeof toOffset === 'bigint' ? toOffset : null,
    files: Array.isArray(files) ? (files as readonly string[]) : [],
  };
}
