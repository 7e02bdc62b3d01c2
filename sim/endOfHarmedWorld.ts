/** Whether a world with permanent losses has ended: what is not complete has stopped, rightly. */
import { everPublished } from './checkers/facts.ts';
import { isGivenUp, isRightStop } from './checkers/harms.ts';
import { readJournal, type PartitionView } from './checkers/journalView.ts';
import type { Harm } from './faults/kind.ts';
import type { Recorder } from './recorder.ts';
import type { TracedEntry } from './schedule.ts';
import type { PartitionLog } from './simKafka/partitionLog.ts';

export class RightStops {
  readonly #recorder: Recorder;
  readonly #logs: readonly PartitionLog[];
  /** Nobody is to read it any more: what was checkpointed of it is published, and no more. */
  readonly #isUnread: (partition: number) => boolean;
  #seenVersion = -1;
  #isOver = false;

  constructor(
    recorder: Recorder,
    logs: readonly PartitionLog[],
    isUnread: (partition: number) => boolean = () => false,
  ) {
    this.#isUnread = isUnread;
    this.#recorder = recorder;
    this.#logs = logs;
  }

  isOver(harms: readonly Harm[]): boolean {
    const { version } = this.#recorder;
    if (harms.length === 0) return false;
    if (version === this.#seenVersion) return this.#isOver;
    this.#seenVersion = version;
    this.#isOver = this.#look(harms);
    return this.#isOver;
  }

  #look(harms: readonly Harm[]): boolean {
    const { stops, journal, visible } = this.#recorder;
    const lasting = harms.filter(({ isMendable }) => isMendable !== true);
    const isStopped = (partition: number): boolean => {
      const code = stops.get(partition);
      return code !== undefined && isRightStop(lasting, code, partition);
    };
    if (this.#logs.every(({ partition }) => isStopped(partition) && !this.#isUnread(partition))) return true;
    const views = readJournal([...journal]);
    const published = everPublished({ visible });
    // A journal that went back has forgotten what became of its files; an owner that appends nothing does not
    // notice.
    const isBack = harms.some(({ type }) => type === 'journalBack');
    return this.#logs.every((log) => {
      const { partition } = log;
      const isUnread = this.#isUnread(partition);
      if (isStopped(partition) && (!isUnread || keepsFromPublishing(stops.get(partition)))) return true;
      const view = views.get(partition) ?? unclaimed(journal, partition);
      const isLeft = [...view.parts.values()].some(({ ended }) => ended === null);
      return (isBack || !isLeft) && (isUnread || isPublished(log, view, published));
    });
  }
}

/** Data that nobody reads is published anyway if the source was the only reason for the stop. */
function keepsFromPublishing(code: string | null | undefined): boolean {
  return code?.startsWith('SOURCE_') === false;
}

/**
 * A journal that went back may have forgotten the only claim; an owner with nothing to write does not notice.
 * What the log had lost before the job's start was not to be read, by the start that is journaled.
 */
function unclaimed(
  journal: readonly TracedEntry[],
  partition: number,
): Pick<PartitionView, 'parts' | 'losses'> {
  const starts = journal.flatMap(({ text }) => {
    const [, offsets] = /"startOffsets":\[([^\]]*)\]/.exec(text) ?? [];
    return offsets === undefined ? [] : [Number(offsets.replaceAll('"', '').split(',')[partition] ?? 0)];
  });
  const toOffset = Math.min(...(starts.length === 0 ? [0] : starts));
  return { parts: new Map(), losses: [{ atMs: 0, fromOffset: 0, toOffset, nextOffset: 0 }] };
}

function isPublished(
  log: PartitionLog,
  view: Pick<PartitionView, 'losses'>,
  published: ReadonlySet<string>,
): boolean {
  return log.expected().every(({ offset, value }) => published.has(value) || isGivenUp(view, Number(offset)));
}
