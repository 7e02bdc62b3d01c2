/**
 * The marker at the destination, which names the journal that wrote there: another journal, or a recreated one, must not pass for it.
 * The journal keeps that it was made, so that a sink that is not there (a file system that is not mounted) does not pass for a new one.
 */
import { markerFolderUri } from '../../actors/naming.ts';
import { TidemarkError } from '../../journal/errors.ts';
import type { JournalId } from '../../journal/ids.ts';
import { replay } from '../../journal/replay.ts';
import { jobPrefix, partitionOf } from '../../journal/subjects.ts';
import { journalMarker, readJobFacts, type JobFacts } from './jobLife.ts';
import type { Context } from './options.ts';

/** Before the start is journaled: JOURNAL_REPLACED, or SINK_MARKER_MISSING where the journal knows that there was a marker. */
export async function checkMarker(context: Context): Promise<void> {
  const { ports, settings } = context;
  const folder = markerFolderUri(settings.naming);
  const id = await ports.store.readMarker(folder, settings.job);
  if (id !== null && id !== ports.journal.id) throw ofAnother(folder, settings.job, id, ports.journal.id);
  if (id !== null || !(await hasWritten(context, (await readJobFacts(context)).facts, folder))) return;
  // Another coordinator that starts now may have made it since it was looked for; the journal says so only behind that.
  await checkMarkerStands(context);
}

/** Before the first partOpened: makes the marker where there is none, and journals that it was made. */
export async function makeMarker(context: Context): Promise<void> {
  const { store, journal } = context.ports;
  const { naming, job } = context.settings;
  const folder = markerFolderUri(naming);
  const id = await store.claimMarker(folder, job, journal.id);
  if (id !== journal.id) throw ofAnother(folder, job, id, journal.id);
  await journalMarker(context, folder);
}

/** A journal of 0.1.0 does not say that its marker was made, but what was committed. */
async function hasWritten({ ports, settings }: Context, facts: JobFacts, folder: string): Promise<boolean> {
  if (facts.markers.size > 0) return facts.markers.has(folder);
  if (settings.moves?.includes('sink') === true) return false;
  for (const subject of await ports.journal.subjects(jobPrefix(settings.job))) {
    if (partitionOf(subject) === null) continue;
    for await (const { entry } of replay(ports.journal, subject))
      if (entry.events.some(({ type }) => type === 'partCommitted')) return true;
  }
  return false;
}

/**
 * At each claim. Rejects with SINK_MARKER_MISSING where the marker that was there at the start is gone: a file system that is not
 * mounted any more looks like an empty one, and remembers nothing.
 */
export async function checkMarkerStands({ ports, settings }: Context): Promise<void> {
  const { store, journal } = ports;
  const folder = markerFolderUri(settings.naming);
  const id = await store.readMarker(folder, settings.job);
  if (id === null) throw markerMissing(folder, settings.job);
  if (id !== journal.id) throw ofAnother(folder, settings.job, id, journal.id);
}

function markerMissing(folder: string, job: string): TidemarkError {
  return new TidemarkError(
    'SINK_MARKER_MISSING',
    `${folder} has no marker of job "${job}" (.tidemark/${job}), though the job has written there: is its file system mounted? ` +
      'Nothing is written until the marker is there again. If the destination was emptied on purpose, give the job another name.',
    { fields: { sink: folder } },
  );
}

function ofAnother(folder: string, job: string, found: JournalId, own: JournalId): TidemarkError {
  return new TidemarkError(
    'JOURNAL_REPLACED',
    `${folder} was written by job "${job}" with journal ${found}; the configured journal is ${own}. Point the job ` +
      'at its own journal; or, to begin anew, give the job another name or an empty destination.',
    { fields: { sink: folder, markerJournalId: found, journalId: own } },
  );
}
