/**
 * The runner of one assigned partition. Claims, runs an epoch, and decides what follows its end: another
 * claim with backoff (fenced, transient), a stop that names offsets and files (P6), or the end.
 */
import type { StopFacts } from '../../actors/facts.ts';
import { asTidemarkError, TidemarkError } from '../../journal/errors.ts';
import { partitionName } from '../../journal/ids.ts';
import { conditionOf } from '../telemetry/conditions.ts';
import { StoreFailure } from '../stores/failure.ts';
import { FailureLatch, Gate } from '../system/concurrency.ts';
import { conditionKey } from '../job/conditionKeys.ts';
import { Epoch } from './epoch.ts';
import { claimAgain, isBehindJournal, isPassing, takenOver } from './epochEnd.ts';
import type { EpochEnd, RunnerEnd } from './epochEnd.ts';
import { isDiskFull } from './fullDisk.ts';
import { isJournalInDoubt } from './journalFailure.ts';
import { OperatorDesk } from './operatorDesk.ts';
import type { Context } from '../job/context.ts';
import type { PartitionTask } from './partitionTask.ts';
import { retryDelayMs } from './retrying.ts';
import { answerRequests } from './rolledBackRequests.ts';
import { decideWhileHalted, type FiledRequest } from './requests.ts';
import { isSourceGone } from './sourceFailure.ts';
import { inCurrentCodes, stopFactsOf } from './stopFacts.ts';
import { successorLook } from './successor.ts';

const BACKOFF_FIRST_MS = 500;
const REQUEST_POLL_MS = 1_000;

export class PartitionRunner {
  readonly #context: Context;
  #task: PartitionTask;
  readonly #drain = new Gate();
  /** Aborted when the partition must be released at once, even with work in progress. */
  readonly #lettingGo = new AbortController();
  #isReleased = false;
  #isDiskFull = false;
  #wake: () => void = () => undefined;
  #latch = new FailureLatch();
  #epoch: Epoch | null = null;
  #stop: StopFacts | null = null;
  /** The stop is not journaled. */
  #isHalted = false;
  readonly #desk: OperatorDesk;
  /** The request that made a halted partition claim again. Answered after its journal is judged again. */
  #resumption: FiledRequest | null = null;

  constructor(context: Context, task: PartitionTask) {
    this.#context = context;
    this.#task = task;
    this.#desk = new OperatorDesk(context, () => this.#task);
  }

  get task(): PartitionTask {
    return this.#task;
  }

  /** Why the partition is stopped; null if it is not. */
  get stop(): StopFacts | null {
    return this.#stop;
  }

  /** The state that operators see. */
  get state(): 'claiming' | 'running' | 'stopped' | 'halted' {
    if (this.#stop !== null) return this.#isHalted ? 'halted' : 'stopped';
    return this.#epoch === null ? 'claiming' : 'running';
  }

  /** The next offset to read, ahead of the journal's. Null before the claim. */
  get routerOffset(): bigint | null {
    return this.#epoch?.routerOffset ?? null;
  }

  /** The ownership of now; null before the claim. */
  get epoch(): Pick<Epoch, 'claim' | 'oldestFileAtMs'> | null {
    return this.#epoch;
  }

  /** Whether the process may exit without losing a checkpoint of this partition. */
  get isSafe(): boolean {
    return this.#stop !== null || this.#epoch?.isSafe === true;
  }

  /** Makes a last checkpoint, then ends. Files in progress stay resumable. */
  drain(): void {
    this.#drain.open();
    this.#wake();
  }

  /** The partition is no longer assigned: releases it at once. */
  release(): void {
    this.#isReleased = true;
    this.#letGo(new TidemarkError('FENCED', `${this.#name} is no longer assigned to this process.`));
  }

  /** Draining takes too long. The next owner takes over from the last completed checkpoint. */
  giveUp(): void {
    const message =
      `${this.#name} is let go before its last checkpoint and commits were done: the journal, the source ` +
      'or the destination did not answer in time. Nothing is lost; the next run continues from the last ' +
      'completed checkpoint.';
    this.#letGo(new TidemarkError('STOP_INCOMPLETE', message, { fields: { partition: this.#name } }));
  }

  #letGo(error: TidemarkError): void {
    this.#lettingGo.abort();
    this.#latch.fail(error, 'Letting go');
    this.#wake();
  }

  get #name(): string {
    return partitionName(this.#task.partition);
  }

  /** Resolves when the partition ends. Rejects with job-wide errors: configuration, bounded-run timeout. */
  async run(): Promise<RunnerEnd> {
    const { clock } = this.#context.ports;
    let progressMs = clock.nowMs();
    for (let failures = 0; ;) {
      const outcome = await this.#runEpoch();
      if (outcome.type !== 'again') return outcome;
      if (outcome.madeProgress) [failures, progressMs] = [0, clock.nowMs()];
      this.#isDiskFull = isDiskFull(outcome.error);
      if (this.#hasWaitedEnough(outcome.error, progressMs)) throw outcome.error;
      if (!this.#isReleased && !this.#drain.isOpen) await this.#backOff(failures, outcome.error);
      failures += 1;
      if (this.#isReleased) return { type: 'released' };
      if (this.#drain.isOpen) return this.#drainedWithout(outcome.error);
    }
  }

  /** A bounded run does not wait forever for an unavailable service. */
  #hasWaitedEnough({ retry }: TidemarkError, progressMs: number): boolean {
    const { ports, settings } = this.#context;
    const isBounded = settings.untilEnd && !this.#isReleased && !this.#drain.isOpen;
    return isBounded && retry === 'transient' && ports.clock.nowMs() - progressMs >= settings.startupMs;
  }

  #drainedWithout(error: TidemarkError): RunnerEnd {
    if (error.retry === 'fenced' || this.isSafe) return { type: 'drained', failure: null };
    const entry = { partition: this.#name, err: error };
    this.#context.ports.log.warn(entry, 'stopped without a last checkpoint');
    return { type: 'drained', failure: error };
  }

  async #runEpoch(): Promise<EpochEnd> {
    this.#latch = new FailureLatch();
    this.#epoch = null;
    this.#stop = null;
    this.#isHalted = false;
    try {
      const epoch = await Epoch.begin(
        this.#context,
        { ...this.#task, isDiskFull: this.#isDiskFull },
        this.#latch,
        this.#drain,
        this.#lettingGo.signal,
      );
      this.#epoch = epoch;
      this.#logClaim(epoch);
      await epoch.checkWitness();
      await this.#answerResumption(epoch);
      if (this.#task.purpose === 'retire') return await this.#retire(epoch);
      const { stop } = epoch.claim.host.ledger.facts;
      if (stop !== null) return await this.#stayStopped(epoch, inCurrentCodes(stop));
      return (await epoch.run()) === 'ended' ? { type: 'ended' } : { type: 'drained', failure: null };
    } catch (cause) {
      return await this.#afterFailure(cause);
    } finally {
      this.#context.health.conditions.clear(conditionKey.stop(this.#task.partition));
      await this.#epoch?.quiesce();
    }
  }

  async #retire(epoch: Epoch): Promise<EpochEnd> {
    await epoch.retire();
    const entry = { partition: this.#name, nextOffset: epoch.claim.host.ledger.facts.nextOffset };
    this.#context.ports.log.warn(entry, 'the partition is retired: all that was counted is published');
    return { type: 'retired' };
  }

  #logClaim({ claim }: Epoch): void {
    const { nextOffset } = claim.host.ledger.facts;
    this.#context.stats.counts.of(this.#task.partition).claims += 1;
    this.#context.ports.log.info(
      { partition: this.#name, epoch: claim.epoch, nextOffset },
      'partition claimed',
    );
  }

  async #afterFailure(cause: unknown): Promise<EpochEnd> {
    const epoch = this.#epoch;
    const error = await this.#trueCause(
      this.#latch.failure ?? asTidemarkError(cause, `Partition ${this.#name}`),
    );
    if (this.#isReleased) return { type: 'released' };
    if (error.retry === 'fenced') this.#context.stats.counts.of(this.#task.partition).fenced += 1;
    if (epoch?.claim.host.ledger.facts.retired === true) {
      const entry = { err: error, partition: this.#name };
      this.#context.ports.log.warn(entry, 'the partition was retired before this: nothing is owed any more');
      return { type: 'retired' };
    }
    if (error.retry === 'config') throw error;
    // If the log holds everything that was checkpointed, reading continues at the journal's cursor.
    if (isPassing(error) || isBehindJournal(error, epoch)) {
      return { type: 'again', error, madeProgress: epoch?.madeProgress ?? false };
    }
    if (isSourceGone(error) && this.#task.purpose === 'read') {
      const entry = { err: error, partition: this.#name };
      this.#context.ports.log.error(
        entry,
        'its topic is gone: what was counted is published, and it is read no more',
      );
      this.#task = { ...this.#task, purpose: 'retire' };
      return { type: 'again', error, madeProgress: true };
    }
    this.#context.health.dependencies.blamed(error);
    this.#context.ports.log.error({ err: error, partition: this.#name }, 'the partition stops');
    await epoch?.quiesce();
    const stop = stopFactsOf(error);
    if (epoch === null || isJournalInDoubt(error)) return this.#halt(epoch, stop);
    try {
      await epoch.claim.host.submit(() => [{ type: 'partitionStopped', ...stop, files: [...stop.files] }]);
      return await this.#stayStopped(epoch, stop);
    } catch (failure) {
      // A failed host journals nothing more. The next claim finds the cause again.
      const reason = asTidemarkError(failure, `Stopping ${this.#name}`);
      if (isPassing(reason)) return { type: 'again', error: reason, madeProgress: false };
      return this.#halt(epoch, stop);
    }
  }

  /** A store refuses an ended epoch with its own errors: a taken lease, a completed upload, a moved file. */
  async #trueCause(error: TidemarkError): Promise<TidemarkError> {
    if (!(error instanceof StoreFailure) || this.#isReleased || this.#epoch === null) return error;
    if (!(await this.#epoch.hasSuccessor())) return error;
    const message = `${this.#name} has another owner: the destination refuses this one (${error.message})`;
    return new TidemarkError('FENCED', message, { cause: error });
  }

  /** Waits for an operator's decision. A bounded run does not wait. */
  async #stayStopped(epoch: Epoch, stop: StopFacts): Promise<EpochEnd> {
    this.#stop = stop;
    const { host } = epoch.claim;
    const { log } = this.#context.ports;
    this.#raiseStop('stopped', stop);
    log.error(
      { partition: this.#name, ...stop },
      'the partition is stopped until an operator resumes it or accepts the loss',
    );
    const isTakenOver = successorLook(this.#context.ports.clock, epoch);
    for (;;) {
      if (await isTakenOver()) return takenOver(this.#name);
      for (const request of await this.#desk.filed(host.ledger.facts.lastRequestId)) {
        await this.#desk.take(host, request);
        // Later requests are for the next epoch: nothing is open here that it could roll.
        if (host.ledger.facts.stop === null) return claimAgain(`${this.#name} is resumed: claiming again.`);
      }
      if (this.#drain.isOpen || this.#task.endOffset !== null) return { type: 'stopped', stop };
      if (this.#isReleased) return { type: 'released' };
      await this.#pause(REQUEST_POLL_MS);
    }
  }

  /**
   * Stopped by an error that cannot be journaled. Requests are still read: `resume` makes the partition claim
   * again and has its journal judged again, every other request is refused.
   */
  async #halt(epoch: Epoch | null, stop: StopFacts): Promise<EpochEnd> {
    epoch?.claim.host.ledger.note({ type: 'halted', stop });
    this.#stop = stop;
    this.#isHalted = true;
    this.#raiseStop('halted', stop);
    this.#refuseResumption(stop);
    const { log } = this.#context.ports;
    log.error(
      { partition: this.#name, ...stop },
      'the partition is halted, and its journal does not say so: mend the cause, then resume it',
    );
    const answered = await this.#wentBackAnswered(epoch);
    if (answered !== null) return answered;
    const isAwaited = (): boolean => this.#task.endOffset === null && !this.#drain.isOpen;
    const isTakenOver = successorLook(this.#context.ports.clock, epoch);
    while (isAwaited() && !this.#lettingGo.signal.aborted) {
      if (await isTakenOver()) return takenOver(this.#name);
      const answeredNow = await this.#wentBackAnswered(epoch);
      if (answeredNow !== null) return answeredNow;
      if (await this.#isResumed(epoch, stop)) {
        return claimAgain(`${this.#name} is claimed again because an operator asked for it.`);
      }
      await this.#pause(REQUEST_POLL_MS);
    }
    return this.#isReleased ? { type: 'released' } : { type: 'stopped', stop };
  }

  /** Only the answer to a rolled-back journal can be journaled. A bounded run looks for it, too. */
  async #wentBackAnswered(epoch: Epoch | null): Promise<EpochEnd | null> {
    const wentBack = epoch?.wentBack ?? null;
    if (wentBack === null) return null;
    try {
      // The epoch has closed its own session with the store.
      if (!(await answerRequests({ ...wentBack, context: this.#context }, this.#desk))) return null;
      return claimAgain(`${this.#name} is claimed again: an operator has answered for its journal.`);
    } catch (cause) {
      // The next owner of the partition answers.
      if (this.#lettingGo.signal.aborted) return null;
      const error = asTidemarkError(cause, `Answering for the journal of ${this.#name}`);
      if (isPassing(error)) return { type: 'again', error, madeProgress: false };
      this.#context.ports.log.error(
        { err: error, partition: this.#name },
        'the answer could not be carried out',
      );
      return null;
    }
  }

  /** Answers operator requests to the halted partition. True if one asks for a new claim. */
  async #isResumed(epoch: Epoch | null, stop: StopFacts): Promise<boolean> {
    const lastRequestId = epoch?.claim.host.ledger.facts.lastRequestId ?? null;
    for (const request of await this.#desk.filedWhileHalted(lastRequestId)) {
      const decided = decideWhileHalted(stop, request);
      this.#desk.answered(request);
      if (decided.type === 'claimAgain') {
        this.#resumption = request;
        const { requestId } = request;
        const entry = { partition: this.#name, requestId };
        this.#context.ports.log.info(entry, 'claiming again because an operator asked for it');
        return true;
      }
      this.#desk.refused(request, decided.reason);
    }
    return false;
  }

  async #answerResumption(epoch: Epoch): Promise<void> {
    const request = this.#resumption;
    this.#resumption = null;
    const { host } = epoch.claim;
    if (request === null || host.ledger.facts.stop !== null) return;
    await this.#desk.tookUpAgain(host, request);
  }

  #refuseResumption({ code, message }: StopFacts): void {
    const request = this.#resumption;
    this.#resumption = null;
    if (request !== null) this.#desk.refused(request, `Its cause is still there: ${code}: ${message}`);
  }

  /** Ends early if the partition must drain or be released. */
  async #pause(delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#context.ports.clock.timer(delayMs, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
    this.#wake = () => undefined;
  }

  #raiseStop(kind: 'stopped' | 'halted', { code, message }: StopFacts): void {
    const help =
      kind === 'halted'
        ? 'Mend the cause, then resume the partition; a restart judges anew, too.'
        : 'See `tidemark status` for the commands that help.';
    const condition = { kind, about: this.#name, code, message, help };
    this.#context.health.conditions.raise(conditionKey.stop(this.#task.partition), condition);
    this.#context.health.tellNow();
  }

  async #backOff(failures: number, error: TidemarkError): Promise<void> {
    const delayMs = retryDelayMs(failures + 1, BACKOFF_FIRST_MS);
    const log = this.#context.ports.log;
    const entry = { partition: this.#name, err: error, delayMs };
    if (error.retry === 'fenced') log.info(entry, 'the epoch is over; claiming again');
    else {
      const { conditions, dependencies } = this.#context.health;
      dependencies.blamed(error);
      conditions.raise(conditionKey.epoch(this.#task.partition), conditionOf('retried', this.#name, error));
      log.warn(entry, 'the epoch is given up; it is settled anew');
    }
    await this.#pause(delayMs);
  }
}
