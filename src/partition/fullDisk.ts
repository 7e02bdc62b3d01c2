/**
 * A destination without room. What fits is to be published, however little it is, instead of being written and thrown away for ever:
 * the epoch that follows makes each batch count before it reads the next one. And a full disk may hold the journal, too: then no
 * other epoch could begin and discard what this one leaves, unless this one makes room for it.
 */
import { TidemarkError } from '../../journal/errors.ts';
import type { RecordRouter } from '../writing/recordRouter.ts';
import type { Context, Ports } from '../job/options.ts';

/** How long a checkpoint that is under way is waited for: it is about durable data, and may still come through. */
const CHECKPOINT_PATIENCE_MS = 1_000;

/** Whether the destination, or the quota on it, is full. */
export function isDiskFull(error: unknown): error is TidemarkError {
  if (!(error instanceof TidemarkError)) return false;
  const { systemCode } = error.fields;
  return systemCode === 'ENOSPC' || systemCode === 'EDQUOT';
}

/** One epoch's part in that. */
export class FullDisk {
  readonly #ports: Ports;
  readonly #stepsUntilMs: number;
  #isFreed = false;

  /** @param wasFull the epoch before ended on a full disk. */
  constructor({ ports, settings }: Context, wasFull: boolean) {
    this.#ports = ports;
    this.#stepsUntilMs = wasFull ? ports.clock.nowMs() + settings.checkpointIntervalMs : -Infinity;
  }

  /** Whether each batch is to count before the next one is read: for one interval. */
  get takesSteps(): boolean {
    return this.#ports.clock.nowMs() < this.#stepsUntilMs;
  }

  /** Asked before a checkpoint is sent to the journal. */
  mustNotBeFreed(): void {
    if (this.#isFreed)
      throw new TidemarkError('FENCED', 'The epoch is over: what its last checkpoint would name is removed.');
  }

  /**
   * For an epoch that is over: removes at once what can never count, which is what no checkpoint that was sent to the journal names, and
   * none is sent any more. Never rejects: what is left is for the next epoch to discard.
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
