/** The lives of part files: every step of them, the owners meanwhile, and what they wait for. */
import { TidemarkError } from '../../journal/errors.ts';
import type { JobName, PartId, TopicPartition } from '../../journal/ids.ts';
import type { Journal } from '../../journal/port.ts';
import { FileLives, type FileLife } from './fileLives.ts';
import { EVERYTHING, isOfFile, replayJob } from './replayJob.ts';

/**
 * Lives of the files with this name, oldest first. Rejects with REQUEST_REFUSED if the journal holds none.
 */
export async function explainFile(
  journal: Journal,
  job: JobName,
  name: string,
): Promise<readonly FileLife[]> {
  const lives = new FileLives((step) => isOfFile(step, name));
  for await (const step of replayJob(journal, { job, filter: EVERYTHING })) lives.take(step);
  const found = [...lives.found()];
  // A part file may get another temporary name when it is taken over: what it did before was not kept.
  for (const [partition, ids] of lives.missed) found.push(...(await livesOf(journal, job, partition, ids)));
  if (found.length === 0) {
    throw new TidemarkError(
      'REQUEST_REFUSED',
      `The journal of job "${job}" holds no file with the name ${name}. Give a URI, a path below ` +
        'the sink, or a temporary name. If the file is at the destination, "tidemark audit" tells whether ' +
        'it is one of the job.',
    );
  }
  return found.sort((a, b) => (beginOf(a) < beginOf(b) ? -1 : beginOf(a) > beginOf(b) ? 1 : 0));
}

/** ISO time. */
const beginOf = ({ steps }: FileLife): string => steps[0]?.at ?? '';

/** In the order in which they were opened. Rejects with INTERNAL if the journal does not hold one of them. */
export async function livesOf(
  journal: Journal,
  job: JobName,
  partition: TopicPartition,
  ids: ReadonlySet<PartId>,
): Promise<readonly FileLife[]> {
  if (ids.size === 0) return [];
  const lives = new FileLives(({ part }) => part !== null && ids.has(part.partId));
  for await (const step of replayJob(journal, { job, filter: { ...EVERYTHING, partition } }))
    lives.take(step);
  const found = lives.found();
  if (found.length < ids.size)
    throw new TidemarkError('INTERNAL', `The journal holds ${found.length} of ${ids.size} part files.`);
  return found;
}
