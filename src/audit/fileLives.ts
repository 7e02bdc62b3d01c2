/** Gathers the lives of some part files from a timeline, in one pass. */
import type { PartChange } from '../../journal/events.ts';
import { partitionName, type PartId, type TopicPartition } from '../../journal/ids.ts';
import type { TimelinePart, TimelineStep } from './timeline.ts';

export interface FileLife {
  readonly partition: TopicPartition;
  /** With its last names. */
  readonly part: TimelinePart;
  readonly state: string;
  /** In the last checkpoint that holds it; null if none does. */
  readonly durable: PartChange | null;
  /** Its own steps, and the claims of its partition while it was neither committed nor discarded. */
  readonly steps: readonly TimelineStep[];
  /** ISO time of the commit: it became visible to readers shortly before. Null if it is not committed. */
  readonly committedAt: string | null;
  /** What has to happen next; null if it is committed or discarded. */
  readonly waitsFor: string | null;
}

interface Life {
  readonly partition: TopicPartition;
  part: TimelinePart;
  last: TimelineStep;
  durable: PartChange | null;
  readonly steps: TimelineStep[];
}

export class FileLives {
  /** Files that are wanted by a step after their first one, by partition: their lives were not kept. */
  readonly missed = new Map<TopicPartition, Set<PartId>>();
  readonly #isWanted: (step: TimelineStep) => boolean;
  readonly #lives = new Map<PartId, Life>();
  /** By the partition's name; those that no answer has ended. */
  readonly #stops = new Map<string, TimelineStep>();

  /** @param isWanted of a step of a part file: whether the file is one of them. */
  constructor(isWanted: (step: TimelineStep) => boolean) {
    this.#isWanted = isWanted;
  }

  /** Call it with each step, in the order of the timeline. */
  take(step: TimelineStep): void {
    const { partition, part, event } = step;
    if (partition === null) return;
    if (part !== null) this.#takePart(step, partition, part);
    else if (event === 'epochClaimed') this.#claimed(step, partition);
    else if (event === 'partitionStopped') this.#stops.set(partitionName(partition), step);
    else if (ENDS_A_STOP.has(event)) this.#stops.delete(partitionName(partition));
  }

  #takePart(step: TimelineStep, partition: TopicPartition, part: TimelinePart): void {
    const life = this.#lives.get(part.partId);
    if (life !== undefined) {
      life.part = part;
      life.last = step;
      life.durable = step.change ?? life.durable;
      life.steps.push(step);
    } else if (!this.#isWanted(step)) return;
    else if (step.event === 'partOpened')
      this.#lives.set(part.partId, { partition, part, last: step, durable: step.change, steps: [step] });
    else this.#miss(partition, part.partId);
  }

  #miss(partition: TopicPartition, id: PartId): void {
    const name = partitionName(partition);
    const [known = partition] = [...this.missed.keys()].filter((each) => partitionName(each) === name);
    this.missed.set(known, (this.missed.get(known) ?? new Set()).add(id));
  }

  #claimed(step: TimelineStep, partition: TopicPartition): void {
    const name = partitionName(partition);
    for (const life of this.#lives.values())
      if (!isOver(life.last) && partitionName(life.partition) === name) life.steps.push(step);
  }

  /** In the order in which they were opened, as of the last step. */
  found(): FileLife[] {
    return [...this.#lives.values()].map(({ last, partition, part, durable, steps }) => {
      const state = last.to ?? last.from ?? 'open';
      const stop = this.#stops.get(partitionName(partition)) ?? null;
      return {
        ...{ partition, part, state, durable, steps },
        committedAt: state === 'committed' ? last.at : null,
        waitsFor: isOver(last) ? null : waitText(state, stop),
      };
    });
  }
}

const ENDS_A_STOP: ReadonlySet<string> = new Set([
  'resumeRequested',
  'lossAccepted',
  'logTruncationAccepted',
  'witnessAnswered',
  'partitionRewound',
  'partitionRetired',
]);

const isOver = ({ to }: TimelineStep): boolean => to === 'committed' || to === 'discarded';

function waitText(state: string, stop: TimelineStep | null): string {
  const next = WAITS[state] ?? 'the next step of its owner';
  return stop === null ? next : `${next}; its partition has ${stop.why}`;
}

const WAITS: Readonly<Record<string, string>> = {
  open: 'a checkpoint that holds its first records',
  inProgress: 'a roll rule or the end of the run to close it, and the checkpoint after that',
  pending: 'its owner to publish it and to journal that',
  discarding: 'its owner to remove its temporary names',
};
