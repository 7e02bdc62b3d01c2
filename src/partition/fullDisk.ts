/**
 * Handles a full destination. Without this, files would be written and discarded forever. Instead, what fits
 * is published, however little it is: the next epoch checkpoints each batch before it reads the next one. A
 * full disk may also hold the journal. Then no other epoch could begin and discard the files of this one, so
 * this one frees their space itself.
 */
import { TidemarkError } from '../../journal/errors.ts';
import { StoreFailure } from '../stores/failure.ts';
import type { RecordRouter } from '../writing/recordRouter.ts';
import type { Context, Ports } from '../job/context.ts';

/** How long to wait for a checkpoint in flight: it covers durable data and may still succeed. */
const CHECKPOINT_PATIENCE_MS = 1_000;

/** Whether the destination is full, or its quota is used up. */
export function isDiskFull(error: unknown): error is StoreFailure {
  return error instanceof StoreFailure && error.isFull;
}

/** The full-disk state of one epoch. */
export class FullDisk {
  readonly #ports: Ports;
  readonly #stepsUntilMs: number;
  #isFreed = false;

  /** @param wasFull the previous epoch ended on a full disk. */
  constructor({ ports, settings }: Context, wasFull: boolean) {
    this.#ports = ports;
    this.#stepsUntilMs = wasFull ? ports.clock.nowMs() + settings.checkpointIntervalMs : -Infinity;
  }

  /** Whether to checkpoint each batch before the next one is read. True for one checkpoint interval. */
  get takesSteps(): boolean {
    return this.#ports.clock.nowMs() < this.#stepsUntilMs;
  }

  /** Called before a checkpoint is sent to the journal. Throws FENCED if its files may be removed already. */
  mustNotBeFreed(): void {
    if (this.#isFreed)
      throw new TidemarkError('FENCED', 'The epoch is over: what its last checkpoint would name is removed.');
  }

  /**
   * For an epoch that is over. Removes at once what can never be checkpointed: the files that no checkpoint
   * sent to the journal names. No further checkpoint is sent. Never rejects: the next epoch discards what is
   * left.
   */
  async free(router: RecordRouter | null, checkpointing: Promise<unknown>): Promise<void> {
    const { store, clock, log } = this.#ports;
    await Promise.race([Promise.allSettled([checkpointing]), clock.pause(CHECKPOINT_PATIENCE_MS)]);
    this.#isFreed = true;
    try {
      await store.discard((await router?.abandonUnoffered()) ?? [], null);
    } catch (error) {
      log.warn({ err: error }, 'files of an epoch that ended on a full disk are left to the next one');
    }
  }
}
