/** Writes snapshots of a partition's state. Nothing waits for them; a failure only makes a replay longer. */
import { FOLD_VERSION, type PartitionLedger } from '../../actors/ledger.ts';
import type { Subject } from '../../journal/ids.ts';
import type { Tail } from '../../journal/replay.ts';
import { encodeSnapshot } from '../../journal/snapshot.ts';
import type { Context } from '../job/context.ts';

export interface SnapshotWriterOptions {
  readonly context: Context;
  readonly subject: Subject;
  readonly ledger: PartitionLedger;
  /** The journal's acknowledged end. Matches the ledger whenever `adopted` is called. */
  readonly tail: () => Tail;
  /** Where the fold began. */
  readonly base: Tail;
}

export class SnapshotWriter {
  readonly #options: SnapshotWriterOptions;
  #lastSeq: number;
  #lastAtMs: number;
  #isWriting = false;
  #isOver = false;

  constructor(options: SnapshotWriterOptions) {
    this.#options = options;
    this.#lastSeq = options.base.seq;
    this.#lastAtMs = options.context.ports.clock.nowMs();
  }

  /** Call after every adopted entry. Writes a snapshot of the ledger if one is due. Never rejects. */
  async adopted(): Promise<void> {
    const { context, subject, ledger } = this.#options;
    const tail = this.#options.tail();
    if (!this.#isDue(tail)) return;
    const { journal, log } = context.ports;
    this.#lastSeq = tail.seq;
    this.#lastAtMs = context.ports.clock.nowMs();
    this.#isWriting = true;
    try {
      const state = ledger.capture();
      const snapshot = { journalId: journal.id, subject, foldVersion: FOLD_VERSION, tail, state };
      await journal.writeSnapshot(subject, encodeSnapshot(snapshot));
      log.debug({ subject, seq: tail.seq }, 'snapshot written');
    } catch (error) {
      if (!this.#isOver) log.warn({ subject, seq: tail.seq, err: error }, 'a snapshot was not written');
    } finally {
      this.#isWriting = false;
    }
  }

  #isDue({ seq }: Tail): boolean {
    if (this.#isOver || this.#isWriting) return false;
    const { clock } = this.#options.context.ports;
    const { everyEntries, everyMs, entriesMin } = this.#options.context.settings.snapshots;
    const entries = seq - this.#lastSeq;
    if (entries >= everyEntries) return true;
    return entries >= entriesMin && clock.nowMs() - this.#lastAtMs >= everyMs;
  }

  /** No snapshot is started after this. */
  end(): void {
    this.#isOver = true;
  }
}
