/**
 * Rolls the files of one router: by time, at request, or because others need their room in memory or among
 * the open files. What rolls by size is found by the router, after each record.
 */
import type { RollingPolicy } from '../../actors/rolling/policy.ts';
import type { RollReason } from '../../journal/events.ts';
import type { Clock } from '../system/clock.ts';
import type { RoomHolder } from './fileRoom.ts';
import type { PartWriter } from './partWriter.ts';
import type { RunStats } from './runStats.ts';
import type { TakingFiles } from './takingFiles.ts';

/** If memory is short, one of this many files is rolled at a time. */
const ROLLED_SHARE = 64;

export interface RollsOptions {
  readonly files: TakingFiles;
  readonly rolling: RollingPolicy;
  readonly clock: Clock;
  readonly stats: RunStats;
}

export class Rolls implements RoomHolder {
  readonly #options: RollsOptions;
  /** Rolled files that the system may still hold open. */
  readonly #closing = new Set<PartWriter>();

  constructor(options: RollsOptions) {
    this.#options = options;
  }

  roll(writer: PartWriter, reason: RollReason): void {
    const { files, clock } = this.#options;
    files.forget(writer);
    writer.close(reason, clock.wallMs());
    this.#closing.add(writer);
    void writer.drained().then(() => this.#closing.delete(writer));
  }

  closing(): readonly PartWriter[] {
    return [...this.#closing];
  }

  rollable(): readonly PartWriter[] {
    return [...this.#options.files.all()].filter(({ records }) => records > 0);
  }

  rollIdle(writer: PartWriter): void {
    this.roll(writer, 'idle');
  }

  /** Memory of the file that has most to write; 0 if none takes records. */
  largestBytes(): number {
    let largest = 0;
    for (const writer of this.#options.files.all())
      if (writer.records > 0) largest = Math.max(largest, 1, writer.bufferBytes);
    return largest;
  }

  /**
   * Frees memory: of the files that hold most of it, one, or a few among many. Rows are written as a group of
   * their file; a file of lines is rolled. Resolves when they are written.
   */
  async rollLargest(): Promise<void> {
    const largest = this.rollable()
      .toSorted((one, other) => other.bufferBytes - one.bufferBytes || other.lengthBytes - one.lengthBytes)
      .slice(0, Math.max(1, Math.floor(this.#options.files.count / ROLLED_SHARE)));
    for (const writer of largest) {
      if (writer.relieve()) continue;
      this.roll(writer, 'size');
      this.#options.stats.counts.forcedRolls.memory += 1;
    }
    await Promise.all(largest.map((writer) => writer.drained()));
  }

  /** Rolls the files whose time limit is reached. */
  rollDue(nowMs: number): void {
    for (const writer of this.#options.files.all()) {
      if (writer.records === 0) continue;
      const reason = writer.isFull ? 'size' : this.#options.rolling.rollsByTime(writer, nowMs);
      if (reason !== null) this.roll(writer, reason);
    }
  }

  /** Rolls the files that their store takes little more of. */
  rollFull(): void {
    for (const writer of this.#options.files.all())
      if (writer.isFull && writer.records > 0) this.roll(writer, 'size');
  }

  /** Rolls every file that holds records. */
  rollAll(reason: RollReason): void {
    for (const writer of this.#options.files.all()) if (writer.records > 0) this.roll(writer, reason);
  }

  /** When to call rollDue again; null if no file is open. */
  deadlineMs(nowMs: number): number | null {
    let deadline: number | null = null;
    for (const writer of this.#options.files.all()) {
      if (writer.records === 0) continue;
      const own = this.#options.rolling.deadlineMs(writer, nowMs);
      deadline = deadline === null ? own : Math.min(deadline, own);
    }
    return deadline;
  }
}
