/**
 * The witness that one claim keeps at the destination: which entry the journal had reached before each round
 * of publication. Each new witness has a new name, and the old one is removed after the new one is durable.
 * No other claim writes these names.
 */
import { witnessFolderUri } from '../../actors/naming.ts';
import type { PartitionHost } from './partitionHost.ts';
import type { ClaimId, TopicPartition } from '../../journal/ids.ts';
import type { Tail } from '../../journal/replay.ts';
import { witnessName } from '../../journal/witness.ts';
import type { Gate } from '../system/concurrency.ts';
import type { Context } from '../job/context.ts';
import { retrying } from './retrying.ts';

export interface KeeperOptions {
  readonly context: Context;
  readonly partition: TopicPartition;
  readonly host: PartitionHost;
  readonly epoch: number;
  readonly claimId: ClaimId;
  /** The journal's acknowledged end. */
  readonly tail: () => Tail;
}

export class WitnessKeeper {
  readonly #options: KeeperOptions;
  readonly #folderUri: string;
  /** Superseded names, to be removed after the next round of publication. */
  #older: readonly string[] = [];
  #standing: string | null = null;

  constructor(options: KeeperOptions) {
    this.#options = options;
    const { naming, job } = options.context.settings;
    this.#folderUri = witnessFolderUri(naming, job, options.partition);
  }

  /** Adds names that the current witness supersedes, such as those that this claim found and judged. */
  supersede(names: readonly string[]): void {
    this.#older = [...this.#older, ...names];
  }

  /** Resolves after a witness of the journal's end exists. One call at a time. Retries until `end` opens. */
  async write(end: Gate): Promise<void> {
    const { store, clock, log } = this.#options.context.ports;
    let name = '';
    await retrying({
      ...{ clock, end },
      attempt: async (attempt) => {
        // After an unknown outcome, take another name: a late write then adds one that says as much, or less.
        name = this.#nameNow(attempt);
        await store.writeWitness(this.#folderUri, name);
      },
      failed: (error, attempt) => {
        this.supersede([name]);
        log.warn({ err: error, attempt }, 'writing the witness of the journal failed; trying again');
      },
    });
    if (this.#standing !== null && this.#standing !== name) this.supersede([this.#standing]);
    this.#standing = name;
  }

  #nameNow(attempt: number): string {
    const { context, host, epoch, claimId, tail } = this.#options;
    const { seq, hash } = tail();
    const nextOffset = host.ledger.facts.nextOffset ?? 0n;
    return witnessName({
      epoch,
      claimId,
      seq,
      nextOffset,
      attempt,
      hash,
      journalId: context.ports.journal.id,
    });
  }

  /** Removes superseded names. Nothing depends on it: the next claim removes what is left. */
  async removeOlder(): Promise<void> {
    const names = this.#older;
    if (names.length === 0 || this.#standing === null) return;
    const { store, log } = this.#options.context.ports;
    this.#older = [];
    try {
      await store.removeWitnesses(this.#folderUri, names);
    } catch (error) {
      log.debug(
        { err: error, folder: this.#folderUri },
        'older witnesses of the journal could not be removed',
      );
      this.#older = [...names, ...this.#older];
    }
  }
}
