/**
 * Compares what a partition's files hold with the records of its source: one pass in the order of offsets, in
 * which each bucket has one file at a time. Only what differs is read from the destination, and again from
 * the source.
 */
import type { OffsetRange, RecordCursor } from '../../sources/port.ts';
import type { PartitionHistory } from '../partitionHistory.ts';
import type { DeepPartition } from './deepReport.ts';
import { Differences } from './differences.ts';
import { Group } from './group.ts';
import type { Holder, Holders } from './holders.ts';
import { Holes } from './holes.ts';
import { isLines, type FileReading } from './linesIn.ts';
import { MissingRecords } from './missingRecords.ts';
import { RecordRule, type WritingRule } from './recordRule.ts';
import { batchesOf, visitRecords, type RangeToRead } from './sourceRecords.ts';

export interface ComparisonOfPartition {
  readonly history: PartitionHistory;
  readonly holders: Holders;
  /** What the source holds now; null if it does not know the partition. */
  readonly range: OffsetRange | null;
  /** Whether its log is compacted; null if that is not known. */
  readonly isCompacted: boolean | null;
  readonly reading: Omit<RangeToRead, 'from' | 'to'>;
  readonly rule: WritingRule;
  readonly files: FileReading;
}

export function compareWithSource(options: ComparisonOfPartition): Promise<DeepPartition> {
  return new PartitionComparison(options).run();
}

class PartitionComparison {
  readonly #options: ComparisonOfPartition;
  readonly #range: RangeToRead;
  readonly #comingHolders: Iterator<Holder, undefined>;
  #coming: Holder | null;
  /** By bucket; where buckets are not known, the one group that is not over. */
  readonly #groups = new Map<string, Group>();
  /** Groups that are over, until the batch is. */
  #over: Group[] = [];
  readonly #differing: Group[] = [];
  readonly #missing: MissingRecords;
  readonly #differences: Differences;
  #next: bigint;
  readonly #holes: Holes;
  #records = 0;
  readonly #rule: RecordRule;
  #nullValues = 0;
  #bad = 0;
  #givenUp = 0;
  #compared = 0;
  #notCompared = 0;

  constructor(options: ComparisonOfPartition) {
    const { history, range, reading, holders } = options;
    this.#options = options;
    this.#range = { ...reading, ...heldOf(history, range) };
    this.#next = this.#range.from;
    this.#comingHolders = holders.inOrder();
    this.#coming = this.#comingHolders.next().value ?? null;
    this.#rule = new RecordRule(options.rule, history.partition);
    this.#missing = new MissingRecords(history);
    this.#holes = new Holes(options.isCompacted);
    this.#differences = new Differences({
      ...{ history, range: this.#range, files: options.files, rule: this.#rule },
      isGivenUp: (offset) => history.changes.isGivenUp(offset),
    });
  }

  async run(): Promise<DeepPartition> {
    for await (const batch of batchesOf(this.#range)) {
      this.#holes.begin(batch);
      await visitRecords(batch, this.#range, (cursor, offset) => this.#visit(cursor, offset));
      this.#passTo(batch.nextOffset < this.#range.to ? batch.nextOffset : this.#range.to);
      this.#holes.end();
      await this.#judgeOver();
    }
    while (this.#coming !== null) this.#open(this.#coming);
    this.#over.push(...this.#groups.values());
    await this.#judgeOver();
    this.#missing.end();
    const mayBeRemoved = this.#mayBeRemoved;
    let removedSince = 0;
    for (const group of this.#differing) {
      const outcome = await this.#differences.explain(group, mayBeRemoved);
      removedSince += outcome.removed;
      if (outcome.isCompared) this.#compared += group.holders.length;
      else this.#notCompared += group.holders.length;
    }
    return this.#report(removedSince);
  }

  /**
   * Whether a record that was read may have been removed since: not if as many are there as were read, nor if
   * each hole is of another cause.
   */
  get #mayBeRemoved(): boolean {
    const { totals, ledger } = this.#options.history;
    const { from, to } = this.#range;
    const isWhole = from === (totals.firstOffset ?? 0n) && to === ledger.facts.nextOffset;
    const readOnce = totals.recordsRead - totals.recordsAlreadyHeld - totals.recordsLost;
    const isSame = totals.offsetsReplaced === 0n && readOnce === this.#records + this.#nullValues + this.#bad;
    const { compacted, unknown } = this.#holes.counts;
    return compacted + unknown > 0n && !(isWhole && isSame);
  }

  #visit(cursor: RecordCursor, offset: bigint): void {
    this.#passTo(offset);
    this.#next = offset + 1n;
    while (this.#coming !== null && this.#coming.firstOffset <= offset) this.#open(this.#coming);
    if (this.#options.history.changes.isGivenUp(offset)) {
      this.#givenUp += 1;
      return;
    }
    const place = this.#rule.placeOf(cursor);
    if (place.type === 'noValue') {
      this.#nullValues += 1;
      return;
    }
    if (place.type === 'bad') {
      this.#bad += 1;
      return;
    }
    this.#records += 1;
    const { key } = place;
    const group = this.#groups.get(key);
    const { bytes, start, end } = this.#rule.line;
    if (group !== undefined && offset <= group.lastOffset) group.add(bytes, start, end);
    else if (this.#rule.isKnown) this.#missing.add(offset, key);
  }

  #passTo(offset: bigint): void {
    if (offset <= this.#next) return;
    this.#holes.add(this.#next, offset);
    this.#next = offset;
  }

  #open(holder: Holder): void {
    this.#coming = this.#comingHolders.next().value ?? null;
    const { history, rule } = this.#options;
    const { assigner } = rule;
    const replacedFrom = history.changes.replacedFrom(holder.generation);
    // Of another log than the source's, from there on.
    const isReplaced = replacedFrom !== null && replacedFrom <= holder.lastOffset;
    if (isReplaced && replacedFrom <= holder.firstOffset) {
      this.#notCompared += 1;
      return;
    }
    const present = isReplaced ? { ...holder, lastOffset: replacedFrom - 1n } : holder;
    const key = assigner === null ? '' : holder.bucket;
    let group = this.#groups.get(key);
    if (group?.overlaps(present) === true) group.join(present);
    else {
      if (group !== undefined) this.#over.push(group);
      group = new Group(key, present, assigner !== null);
      this.#groups.set(key, group);
    }
    const { from, to } = this.#range;
    if (isReplaced || holder.firstOffset < from || holder.lastOffset >= to) group.isWhole = false;
    if (!this.#rule.isKnown) group.isWhole = false;
    if (this.#groups.size >= this.#sweepAt) this.#sweep(holder.firstOffset);
  }

  #sweepAt = 1_000;

  /** Buckets that nothing more will go to are forgotten, as far as is known. */
  #sweep(offset: bigint): void {
    for (const [key, group] of this.#groups) {
      if (group.lastOffset >= offset) continue;
      this.#groups.delete(key);
      this.#over.push(group);
    }
    this.#sweepAt = Math.max(1_000, this.#groups.size * 2);
  }

  async #judgeOver(): Promise<void> {
    const over = this.#over;
    this.#over = [];
    for (const group of over) {
      if (!group.isWhole || mustBeRead(group)) this.#notCompared += group.holders.length;
      else if (await this.#isHeldBy(group)) this.#compared += group.holders.length;
      else this.#differing.push(group);
    }
  }

  #isHeldBy(group: Group): Promise<boolean> | boolean {
    const { only } = group;
    if (only === null) return this.#differences.holdsLines(group);
    return isLines(only.format) ? group.isExactly(only) : this.#differences.holdsExactly(group, only);
  }

  #report(removedSince: number): DeepPartition {
    const { history, rule, range } = this.#options;
    const { assigner } = rule;
    const { from, to } = this.#range;
    const [first, next] = [history.totals.firstOffset ?? 0n, history.ledger.facts.nextOffset ?? 0n];
    return {
      ...{ partition: history.partition, comparedBy: assigner === null ? 'lines' : 'order', from, to },
      notInSource: (next > first ? next - first : 0n) - (to - from),
      expired: expiredOf(first, next, range),
      ...{ records: this.#records, nullValues: this.#nullValues, bad: this.#bad, givenUp: this.#givenUp },
      ...{ holes: this.#holes.total, holesBy: this.#holes.counts, unknownHoles: this.#holes.unknown },
      removedSince,
      files: { compared: this.#compared, notCompared: this.#notCompared },
    };
  }
}

/**
 * A compressed file, or one of rows, can be compared only by reading it, and is read only under its final
 * name: one of rows has no footer before.
 */
function mustBeRead({ holders }: Group): boolean {
  return holders.some(({ format, isCommitted }) => !isCommitted && !isLines(format));
}

/** What the source holds of the offsets that the job has read. */
function heldOf(
  { totals, ledger }: PartitionHistory,
  range: OffsetRange | null,
): { readonly from: bigint; readonly to: bigint } {
  const first = totals.firstOffset ?? 0n;
  const next = ledger.facts.nextOffset ?? first;
  if (range === null) return { from: first, to: first };
  const from = range.startOffset > first ? range.startOffset : first;
  const to = range.endOffset < next ? range.endOffset : next;
  return to > from ? { from, to } : { from: first, to: first };
}

/** Of offsets [first, next), those below the begin of the log that the source holds. */
function expiredOf(first: bigint, next: bigint, range: OffsetRange | null): bigint {
  const start = range?.startOffset ?? first;
  const end = start < next ? start : next;
  return end > first ? end - first : 0n;
}
