/**
 * What becomes of records that cannot be written: the partition stops, or they are skipped, or written to a
 * file of their own (src/formats/bad). They are counted by reason, and a checkpoint journals the counts.
 */
import type { BadCount } from '../../actors/partition.ts';
import { partitionName, type TopicPartition } from '../../journal/ids.ts';
import { BadLine } from '../formats/bad/badLine.ts';
import type { BadRule } from '../config/jobConfig.ts';
import type { BadReason } from '../formats/format.ts';
import { SourceFailure } from '../sources/failure.ts';
import type { RecordCursor } from '../sources/port.ts';

/** The slot of the file of bad records: no time has it. */
export const BAD_SLOT = -Infinity;

/** Counts as of a cut. */
export interface BadCut {
  readonly skipped: number;
  readonly counts: readonly BadCount[];
}

export class BadRecords {
  /** Of the bad record that `take` wants written. */
  readonly line: BadLine;
  readonly #rule: BadRule;
  readonly #partition: TopicPartition;
  readonly #counts = new Map<BadReason, number>();
  #skipped = 0;
  #inRow = 0;
  #taken: BadReason | null = null;

  constructor(rule: BadRule, partition: TopicPartition) {
    this.#rule = rule;
    this.#partition = partition;
    this.line = new BadLine(partition);
  }

  /**
   * Whether the record is to be written to the file of bad records, where `line` then is; else it is skipped,
   * and counted. Throws SOURCE_RECORD_BAD if the partition is to stop at it.
   */
  take(record: RecordCursor, reason: BadReason): boolean {
    const { to, stopAfter } = this.#rule;
    if (to === 'stop' || this.#inRow >= stopAfter) throw this.#stop(record, reason);
    if (to === 'skip') {
      this.#count(reason);
      this.#skipped += 1;
      return false;
    }
    this.#taken = reason;
    this.line.encode(record, reason);
    return true;
  }

  /** A record was written: the bad one that was taken, or one that is not bad. */
  wrote(isBad: boolean): void {
    if (isBad && this.#taken !== null) this.#count(this.#taken);
    else this.#inRow = 0;
  }

  #count(reason: BadReason): void {
    this.#inRow += 1;
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
  }

  cut(): BadCut {
    const counts = [...this.#counts].map(([reason, records]) => ({ reason, records }));
    return { skipped: this.#skipped, counts };
  }

  /** The cut is journaled. */
  checkpointed({ skipped, counts }: BadCut): void {
    this.#skipped -= skipped;
    for (const [reason, records] of [...this.#counts]) {
      const counted = counts.find((one) => one.reason === reason)?.records ?? 0;
      if (records === counted) this.#counts.delete(reason);
      else this.#counts.set(reason, records - counted);
    }
  }

  #stop(record: RecordCursor, reason: BadReason): SourceFailure {
    const fromOffset = record.baseOffset + BigInt(record.offsetDelta);
    const name = partitionName(this.#partition);
    const { to, stopAfter } = this.#rule;
    const inRow = to === 'stop' ? '' : ` It follows ${stopAfter} bad records in a row (bad.stopAfter).`;
    const setting = to === 'stop' ? 'set bad.to to "skip" or "file"' : 'raise bad.stopAfter';
    return new SourceFailure(
      'recordBad',
      `The record at offset ${fromOffset} of ${name} cannot be written in the job's format: ` +
        `${reason}.${inRow} Correct the job file and resume; or ${setting}; or give this record up: ` +
        `tidemark status names the command.`,
      { fields: { partition: name, reason }, affected: { fromOffset, toOffset: fromOffset + 1n } },
    );
  }
}
