/**
 * Finds where a log differs from what was read, by the leader epochs of both. Kafka's followers do the same
 * (KIP-279). The log names its latest epoch up to the wanted one. If that epoch was not read, the log is
 * asked for the latest earlier one that was.
 */
import type { EpochStart } from '../../../../journal/events.ts';
import type { ReadEpoch } from '../../port.ts';
import type { EpochEnd } from '../wire/epochEnd.ts';

export interface Divergence {
  readonly divergedAt: bigint;
  /**
   * An epoch of the log that ends at divergedAt or later. If the log is truncated again below, the epoch ends
   * earlier. Null if none is known.
   */
  readonly leaderEpoch: number | null;
  /** Whether that epoch was read too: then both logs agree up to there. Else all known reads are gone. */
  readonly isCertain: boolean;
}

type EndOf = Pick<EpochEnd, 'leaderEpoch' | 'endOffset'>;

/** A leader epoch that was read, up to the start of the next one. */
interface Span {
  readonly epoch: number;
  readonly startOffset: bigint;
  readonly endOffset: bigint;
}

function spansOf({ earlier, ...last }: ReadEpoch, offset: bigint): readonly Span[] {
  const all = [...earlier, last];
  return all.map((one, index) => ({ ...one, endOffset: all[index + 1]?.startOffset ?? offset }));
}

/**
 * @param offset the end of what was read.
 * @param end the log's answer for the epoch that was read last. Negative if that is later than all of the
 * log's.
 * @param logEnd the end of the log, if it is known.
 */
export async function findDivergence(
  { offset, read }: { readonly offset: bigint; readonly read: ReadEpoch },
  end: EndOf,
  logEnd: bigint | null,
  ask: (epoch: number) => Promise<EndOf>,
): Promise<Divergence> {
  const spans = spansOf(read, offset);
  const first = spans[0]?.startOffset ?? offset;
  let asked = spans.length - 1;
  let answer = end;
  for (;;) {
    const isNone = answer.endOffset < 0n;
    const found = latestUpTo(spans, isNone ? asked : asked + 1, isNone ? Infinity : answer.leaderEpoch);
    const span = spans[found];
    if (span === undefined) {
      const until = isNone ? (logEnd ?? first) : answer.endOffset;
      const leaderEpoch = isNone ? null : answer.leaderEpoch;
      return { divergedAt: least(until, first), leaderEpoch, isCertain: false };
    }
    if (!isNone && (found === asked || span.epoch === answer.leaderEpoch))
      return {
        divergedAt: least(answer.endOffset, span.endOffset),
        leaderEpoch: span.epoch,
        isCertain: true,
      };
    asked = found;
    answer = await ask(span.epoch);
  }
}

/**
 * The leader epoch in which a log holds the offset before `offset`. Asks for leader epochs alone: compaction
 * and transactions do not matter. If retention has removed that offset: an epoch before the first one of the
 * log, which ends no earlier than `offset` either.
 *
 * @param latest the leader's epoch; the log ends at `offset` or later.
 * @param ask where an epoch, or the latest one before it, ends: where the next one begins.
 */
export async function epochBelow(
  offset: bigint,
  latest: number,
  ask: (epoch: number) => Promise<EndOf>,
): Promise<EpochStart> {
  let begin: bigint | null = null;
  for (let epoch = latest; epoch > 0;) {
    const { leaderEpoch, endOffset } = await ask(epoch - 1);
    if (endOffset >= 0n && endOffset < offset) return { epoch, startOffset: endOffset };
    // If two epochs begin alike, the log holds nothing of the earlier one, nor of any before it.
    if (endOffset === begin) return { epoch, startOffset: offset };
    // Negative: nothing is written in so late an epoch.
    begin = endOffset < 0n ? null : endOffset;
    epoch = endOffset < 0n ? epoch - 1 : leaderEpoch;
  }
  return { epoch: 0, startOffset: 0n };
}

/** The last span before that index whose epoch is at most `epochMost`; -1 if there is none. */
function latestUpTo(spans: readonly Span[], before: number, epochMost: number): number {
  return spans.findLastIndex(({ epoch }, index) => index < before && epoch <= epochMost);
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
