/** One partition as a process reads it. Fetches need no group, so a former owner continues to read. */
import { TidemarkError } from '../../journal/errors.ts';
import { isSourceFailure, SourceFailure } from '../../src/sources/failure.ts';
import { partitionName } from '../../journal/ids.ts';
import type { CheckedFeed, LogCheck } from '../../src/sources/kafka/log/check.ts';
import type { FetchedBatch, LogPosition, PartitionFeed, ReadEpoch } from '../../src/sources/port.ts';
import { readEpochBehind } from '../../src/sources/readEpoch.ts';
import type { SimProcess } from '../process.ts';
import { toFetchedBatch, type UnpackWait } from './cursor.ts';
import { leaderOf, NODE } from './epochQuestions.ts';
import type { Fetched, PartitionLog } from './partitionLog.ts';

/** How long the real source waits for a topic that is missing. */
export const MISSING_STABLE_MS = 30_000;
export const LOOK_AGAIN_MS = 1_000;

export interface FeedContext {
  readonly process: SimProcess;
  readonly topic: string;
  /** The current one: it may be replaced. */
  readonly log: () => PartitionLog;
  /** Whether its topic exists. */
  readonly exists: () => boolean;
  readonly batchesMax: number;
  readonly unpackWait: UnpackWait;
  /** Asks the brokers until they answer. */
  readonly ask: <T>(question: () => T) => Promise<T>;
  /** The real check: whether the log still holds what was read. */
  readonly check: LogCheck<SimFeed>;
}

type Answer =
  | Fetched
  | TidemarkError
  /** Nothing is there yet: the feed is called when that changes. */
  | 'nothing'
  /** Another leader, or the same one after a new election. */
  | 'otherEpoch'
  | 'behindEnd'
  /** The topic does not exist. */
  | 'missing';

export class SimFeed implements PartitionFeed, CheckedFeed {
  readonly name: string;
  readonly topic: string;
  readonly partition: number;
  readonly #context: FeedContext;
  leader: number | null = NODE;
  leaderEpoch: number;
  readEpoch: ReadEpoch | null;
  highestEpoch: number;
  provenBy: string | null = null;
  olderSinceMs: number | null = null;
  #offset: number;
  /** The leader epoch in which fetches are allowed. */
  #admittedIn: number | null = null;
  #missingSinceMs: number | null = null;
  #closed = false;
  #failure: { readonly error: unknown } | null = null;
  #waiting: { resolve: (batch: FetchedBatch) => void; reject: (error: unknown) => void } | null = null;

  constructor(context: FeedContext, partition: number, offset: bigint, read: ReadEpoch | null) {
    this.#context = context;
    this.topic = context.topic;
    this.partition = partition;
    this.name = partitionName({ topic: context.topic, partition });
    this.#offset = Number(offset);
    this.readEpoch = read;
    this.leaderEpoch = context.log().epochs.latest;
    this.highestEpoch = Math.max(this.leaderEpoch, read?.epoch ?? -1);
  }

  get open(): boolean {
    return !this.#closed && this.#failure === null;
  }

  get fetchOffset(): bigint {
    return BigInt(this.#offset);
  }

  next(): Promise<FetchedBatch> {
    if (this.#waiting !== null) return Promise.reject(new Error('next() is already waiting'));
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      if (this.#closed) this.#reject(abortError('The feed'));
      else if (this.#failure !== null) this.#reject(this.#failure.error);
      else this.#start();
    });
  }

  async verify(position: LogPosition): Promise<void> {
    // What was read before the log went back is of the previous log.
    if (isSourceFailure(this.#failure?.error, 'truncated')) return;
    try {
      await this.#context.check.verify(this, position);
    } catch (error) {
      if (error instanceof TidemarkError) throw error;
      throw new SourceFailure('unavailable', `No leader answers for ${this.name}.`, { cause: error });
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#reject(abortError('The feed'));
  }

  fail(error: unknown): void {
    if (!this.open) return;
    this.#failure = { error };
    this.#reject(error);
  }

  #start(): void {
    this.#fetch().catch((error: unknown) => {
      // A question without an answer is asked again.
      if (isSourceFailure(error, 'unavailable')) this.#start();
      else this.fail(error);
    });
  }

  async #fetch(): Promise<void> {
    const { process, ask, batchesMax, check } = this.#context;
    const size = 1 + process.chance.below(batchesMax);
    while (this.#isAwaited()) {
      if (this.#admittedIn !== this.leaderEpoch && !(await this.#isAdmitted())) continue;
      const offset = this.#offset;
      const answer = await ask(() => this.#look(size));
      if (answer === 'nothing' || !this.#isAwaited()) return;
      if (answer === 'otherEpoch') continue;
      if (answer === 'behindEnd') {
        const error = await check.beyondEnd(this, leaderOf(this.partition, this.leaderEpoch));
        if (error instanceof TidemarkError) this.fail(error);
      } else if (answer === 'missing') await this.#missed();
      else if (answer instanceof TidemarkError) this.fail(answer);
      else this.#take(offset, answer);
    }
  }

  #isAwaited(): boolean {
    return this.#waiting !== null;
  }

  async #isAdmitted(): Promise<boolean> {
    const { leaderEpoch } = this;
    const admitted = await this.#context.check.admitted(NODE, 0, [this]);
    if (admitted.length > 0) this.#admittedIn = leaderEpoch;
    return admitted.length > 0;
  }

  /** New metadata name another leader epoch. */
  lostLeader(): void {
    this.leaderEpoch = this.#context.log().epochs.latest;
    this.highestEpoch = Math.max(this.highestEpoch, this.leaderEpoch);
  }

  /** What the leader answers. */
  #look(batchesMax: number): Answer {
    const { process, log: current } = this.#context;
    const { scheduler } = process;
    const offset = this.#offset;
    if (!this.#context.exists()) return 'missing';
    const log = current();
    if (log.epochs.latest !== this.leaderEpoch) {
      this.lostLeader();
      return 'otherEpoch';
    }
    if (offset < log.startOffset) return rangeLost(log, offset);
    if (offset > log.endAt(scheduler.nowMs)) return 'behindEnd';
    const found = log.fetch(offset, batchesMax, scheduler.nowMs);
    if (found !== null) return found;
    log.whenChanged(() => {
      scheduler.after(process.drawFare().backMs, process, () => {
        if (this.#waiting !== null) this.#start();
      });
    });
    return 'nothing';
  }

  /** A topic that stays missing for a while is reported as deleted. */
  async #missed(): Promise<void> {
    const { clock } = this.#context.process;
    this.#missingSinceMs ??= clock.nowMs();
    if (clock.nowMs() - this.#missingSinceMs >= MISSING_STABLE_MS) this.fail(deletedError(this.topic));
    else await clock.pause(LOOK_AGAIN_MS);
  }

  #take(offset: number, fetched: Fetched): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    this.#waiting = null;
    this.#offset = fetched.nextOffset;
    const batch = toFetchedBatch(offset, fetched, this.#context.unpackWait);
    this.readEpoch = readEpochBehind(this.readEpoch, batch);
    waiting.resolve(batch);
  }

  #reject(error: unknown): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.reject(error);
  }
}

export function deletedError(topic: string): TidemarkError {
  return new SourceFailure('deleted', `Topic ${topic} does not exist any more: it was deleted.`, {
    fields: { topic },
  });
}

function rangeLost({ partition, startOffset }: PartitionLog, offset: number): TidemarkError {
  return new SourceFailure(
    'rangeLost',
    `Kafka no longer holds offsets ${offset} to ${startOffset - 1} of partition ${partition}.`,
    { affected: { fromOffset: BigInt(offset), toOffset: BigInt(startOffset) } },
  );
}

/** The error of a waiting call whose source or feed is closed. */
export function abortError(what: string): DOMException {
  return new DOMException(`${what} was closed`, 'AbortError');
}
