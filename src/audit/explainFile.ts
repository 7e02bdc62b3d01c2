/** The life of a part file: every step of it, the owners meanwhile, and what it waits for. */
import { TidemarkError } from '../../journal/errors.ts';
import type { PartChange } from '../../journal/events.ts';
import type { JobName, PartId, TopicPartition } from '../../journal/ids.ts';
import type { Journal } from '../../journal/port.ts';
import { EVERYTHING, isOfFile, replayJob } from './replayJob.ts';
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

/** Lives of the files with this name, oldest first. Rejects with REQUEST_REFUSED if the journal holds none. */
export async function explainFile(
  journal: Journal,
  job: JobName,
  name: string,
): Promise<readonly FileLife[]> {
  const ids = new Map<PartId, TopicPartition>();
  for await (const step of replayJob(journal, { job, filter: EVERYTHING })) {
    if (step.part !== null && step.partition !== null && isOfFile(step, name))
      ids.set(step.part.partId, step.partition);
  }
  if (ids.size === 0) {
    throw new TidemarkError(
      'REQUEST_REFUSED',
      `The journal of job "${job}" holds no file with the name ${name}. Give a URI, a path below the sink, or a ` +
        'temporary name. If the file is at the destination, "tidemark audit" tells whether it is one of the job.',
    );
  }
  const lives: FileLife[] = [];
  for (const [id, partition] of ids) lives.push(await lifeOf(journal, job, partition, id));
  return lives;
}

/** Rejects with INTERNAL if the journal does not hold the part file. */
export async function lifeOf(
  journal: Journal,
  job: JobName,
  partition: TopicPartition,
  id: PartId,
): Promise<FileLife> {
  const steps: TimelineStep[] = [];
  let last: (TimelineStep & { readonly part: TimelinePart }) | null = null;
  let durable: PartChange | null = null;
  let stop: TimelineStep | null = null;
  for await (const step of replayJob(journal, { job, filter: { ...EVERYTHING, partition } })) {
    if (step.event === 'partitionStopped') stop = step;
    if (ENDS_A_STOP.has(step.event)) stop = null;
    if (step.part?.partId === id) {
      last = { ...step, part: step.part };
      durable = step.change ?? durable;
      steps.push(step);
    } else if (last !== null && !isOver(last) && step.event === 'epochClaimed' && step.part === null) {
      steps.push(step);
    }
  }
  if (last === null) throw new TidemarkError('INTERNAL', `The journal holds no part file ${id}.`);
  const state = last.to ?? last.from ?? 'open';
  return {
    ...{ partition, part: last.part, state, durable, steps },
    committedAt: state === 'committed' ? last.at : null,
    waitsFor: isOver(last) ? null : waitText(state, stop),
  };
}

const ENDS_A_STOP: ReadonlySet<string> = new Set([
  'resumeRequested',
  'lossAccepted',
  'logTruncationAccepted',
  'witnessAnswered',
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
