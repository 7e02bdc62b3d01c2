/** The start of each leader epoch of a log, as a broker keeps it, and its answer to OffsetForLeaderEpoch. */

export interface EpochAnswer {
  /** The requested epoch, or the latest one before it; -1 if the log knows none. */
  readonly leaderEpoch: number;
  /** The end of its batches; -1 if that is not known. */
  readonly endOffset: number;
}

const UNKNOWN: EpochAnswer = { leaderEpoch: -1, endOffset: -1 };

export class EpochTable {
  #entries: readonly { readonly epoch: number; readonly startOffset: number }[] = [
    { epoch: 0, startOffset: 0 },
  ];

  /** Of the current leader. */
  get latest(): number {
    return this.#entries.at(-1)?.epoch ?? 0;
  }

  /** A leader that has appended nothing leaves no trace. */
  begin(epoch: number, startOffset: number): void {
    const before = this.#entries.filter((entry) => entry.startOffset < startOffset);
    this.#entries = [...before, { epoch, startOffset }];
  }

  /** The epoch has more batches from there on; it begins there if retention has removed those before. */
  continue(epoch: number, startOffset: number): void {
    if (this.#entries.at(-1)?.epoch !== epoch) this.begin(epoch, startOffset);
  }

  /** The log ends there now; a `begin` must follow. */
  cut(endOffset: number): void {
    this.#entries = this.#entries.filter(({ startOffset }) => startOffset < endOffset);
  }

  /** Retention has removed everything before. */
  expire(startOffset: number): void {
    const gone = this.#entries.findLast((entry) => entry.startOffset <= startOffset);
    const left = this.#entries.filter((entry) => entry.startOffset > startOffset);
    this.#entries = gone === undefined ? left : [{ ...gone, startOffset }, ...left];
  }

  /** What a replica learns that copies only these batches. */
  learn(batches: readonly { readonly epoch: number; readonly base: number }[]): void {
    this.#entries = batches
      .filter(({ epoch }, index) => epoch !== batches[index - 1]?.epoch)
      .map(({ epoch, base }) => ({ epoch, startOffset: base }));
  }

  endOf(epoch: number, logEndOffset: number): EpochAnswer {
    if (epoch === this.latest) return { leaderEpoch: epoch, endOffset: logEndOffset };
    const higher = this.#entries.find((entry) => entry.epoch > epoch);
    if (higher === undefined) return UNKNOWN;
    const floor = this.#entries.findLast((entry) => entry.epoch <= epoch);
    return { leaderEpoch: floor?.epoch ?? epoch, endOffset: higher.startOffset };
  }
}
