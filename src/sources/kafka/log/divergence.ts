/**
 * Where a log differs from what was read, by the leader epochs of both. Kafka's followers find it the same way (KIP-279): the log names the
 * latest epoch up to the wanted one that it holds; where that one was not read, it is asked for the latest one before it that was.
 */
import type { ReadEpoch } from '../../port.ts';
import type { EpochEnd } from '../protocol/epochEnd.ts';

export interface Divergence {
  readonly divergedAt: bigint;
  /** One that the log holds, and that ends there or later: were it cut again below, the epoch would end before. Null: none is known. */
  readonly leaderEpoch: number | null;
  /** That epoch was read, too: the two are the same up to there. Else all that is known to have been read is gone. */
  readonly isCertain: boolean;
}

type EndOf = Pick<EpochEnd, 'leaderEpoch' | 'endOffset'>;

/** Leader epochs that were read, each up to where the next one begins. */
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
 * @param offset up to where was read.
 * @param end the log's answer for the epoch that was read last; negative where that is later than each of its own.
 * @param logEnd where the log ends, as far as it says.
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

/** Before that index, and up to that leader epoch; -1 where there is none. */
function latestUpTo(spans: readonly Span[], before: number, epochMost: number): number {
  return spans.findLastIndex(({ epoch }, index) => index < before && epoch <= epochMost);
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
