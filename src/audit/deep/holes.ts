/**
 * Why offsets have no record, as far as the source tells. A cause is named by evidence only: what the header
 * of the batch that holds the offset says, or that the topic is compacted where no batch holds it.
 */
import type { FetchedBatch, LogSpan } from '../../sources/port.ts';

/** Offsets without a record, by cause. */
export interface HoleCounts {
  /** Ends of transactions (control batches). */
  readonly markers: bigint;
  /** Records of aborted transactions. */
  readonly aborted: bigint;
  /** Removed by compaction: its batch counts fewer records than offsets, or is gone altogether. */
  readonly compacted: bigint;
  /** Neither. */
  readonly unknown: bigint;
}

/** Offsets [from, to), in which `holes` have no record for no known cause. */
export interface UnknownHole {
  readonly from: bigint;
  readonly to: bigint;
  readonly holes: bigint;
  /** What the source says of them, in words. */
  readonly evidence: string;
}

/** Unknown holes that are told one by one. */
const TOLD_MAX = 20;

const OF_COMPACTED = {
  yes: null,
  no: 'no batch holds them, and the topic is not compacted',
  untold: 'no batch holds them, and whether the topic is compacted may not be asked (DescribeConfigs)',
} as const;
const NO_SPANS = 'the source does not say why';

export class Holes {
  /** The first ones. */
  readonly unknown: UnknownHole[] = [];
  readonly #outsideBatches: string | null;
  readonly #counts = { markers: 0n, aborted: 0n, compacted: 0n, unknown: 0n };
  /** Of the batch that is being read; null if the source has none. */
  #spans: readonly LogSpan[] | null = null;
  #at = 0;
  /** Found in the span `#at` until now. */
  #inSpan = 0n;

  /** @param isCompacted whether the topic is; null if that is not known. */
  constructor(isCompacted: boolean | null) {
    this.#outsideBatches = OF_COMPACTED[isCompacted === null ? 'untold' : isCompacted ? 'yes' : 'no'];
  }

  get counts(): HoleCounts {
    return { ...this.#counts };
  }

  get total(): bigint {
    const { markers, aborted, compacted, unknown } = this.#counts;
    return markers + aborted + compacted + unknown;
  }

  /** The holes that follow are of this batch, until `end`. */
  begin(batch: Pick<FetchedBatch, 'spans'>): void {
    this.#spans = batch.spans?.() ?? null;
    this.#at = 0;
  }

  end(): void {
    this.#judgeSpan();
  }

  /** Offsets [from, to) have no record. In the order of offsets. */
  add(from: bigint, to: bigint): void {
    const spans = this.#spans;
    if (spans === null) {
      this.#unexplained({ from, to, holes: to - from, evidence: NO_SPANS });
      return;
    }
    for (let next = from; next < to;) {
      const span = spans[this.#at];
      if (span === undefined || to <= span.from) {
        this.#outside(next, to);
        return;
      }
      if (next >= span.to) {
        this.#judgeSpan();
        this.#at += 1;
        continue;
      }
      if (next < span.from) this.#outside(next, span.from);
      const begin = next < span.from ? span.from : next;
      next = to < span.to ? to : span.to;
      this.#inSpan += next - begin;
    }
  }

  #outside(from: bigint, to: bigint): void {
    const evidence = this.#outsideBatches;
    if (evidence === null) this.#counts.compacted += to - from;
    else this.#unexplained({ from, to, holes: to - from, evidence });
  }

  /**
   * Of a batch that is read in part only, all that its header lets be missing may be missing in that part.
   */
  #judgeSpan(): void {
    const span = this.#spans?.[this.#at];
    const holes = this.#inSpan;
    this.#inSpan = 0n;
    if (span === undefined || holes === 0n) return;
    const { from, to, holds } = span;
    if (holds === 'markers') {
      this.#counts.markers += holes;
      return;
    }
    const records = BigInt(span.records);
    if (holds === 'aborted') {
      const aborted = least(holes, records);
      this.#counts.aborted += aborted;
      this.#counts.compacted += holes - aborted;
      return;
    }
    const compacted = least(holes, to - from - records);
    this.#counts.compacted += compacted;
    const unknown = holes - compacted;
    const evidence = `their batch counts ${records} records at ${to - from} offsets, and ${holes} had none`;
    if (unknown > 0n) this.#unexplained({ from, to, holes: unknown, evidence });
  }

  #unexplained(hole: UnknownHole): void {
    this.#counts.unknown += hole.holes;
    const last = this.unknown.at(-1);
    if (last?.to === hole.from && last.evidence === hole.evidence)
      this.unknown.splice(-1, 1, { ...last, to: hole.to, holes: last.holes + hole.holes });
    else if (this.unknown.length < TOLD_MAX) this.unknown.push(hole);
  }
}

function least(a: bigint, b: bigint): bigint {
  const smaller = a < b ? a : b;
  return smaller > 0n ? smaller : 0n;
}
