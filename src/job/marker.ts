/**
 * The marker at the destination names the journal that wrote there: another journal, or a recreated one, is
 * rejected. The journal records that the marker was created: a missing sink (an unmounted file system) is
 * then not mistaken for a new one.
 */
import { TidemarkError } from '../../journal/errors.ts';
import { markerFolderUri } from '../../actors/naming.ts';
import { JournalFailure } from '../../journal/failure.ts';
import type { JournalId } from '../../journal/ids.ts';
import { replay } from '../../journal/replay.ts';
import { jobPrefix, partitionOf } from '../../journal/subjects.ts';
import { journalMarker, readJobFacts, type JobFacts } from './jobLife.ts';
import type { Context } from './context.ts';

/**
 * Before the start is journaled. Rejects with JOURNAL_REPLACED, or, if the journal records a marker,
 * SINK_MARKER_MISSING.
 */
export async function checkMarker(context: Context): Promise<void> {
  const { ports, settings } = context;
  const folder = markerFolderUri(settings.naming);
  const id = await ports.store.readMarker(folder, settings.job);
  if (id !== null && id !== ports.journal.id) throw ofAnother(folder, settings.job, id, ports.journal.id);
  if (id !== null || !(await hasWritten(context, (await readJobFacts(context)).facts, folder))) return;
  // A coordinator that starts now may have created the marker after it was read. It journals that only
  // afterwards, so read the marker again.
  await checkMarkerStands(context);
}

/** Before the first partOpened: creates the marker if there is none, and journals that. */
export async function makeMarker(context: Context): Promise<void> {
  const { store, journal } = context.ports;
  const { naming, job } = context.settings;
  const folder = markerFolderUri(naming);
  const id = await store.claimMarker(folder, job, journal.id);
  if (id !== journal.id) throw ofAnother(folder, job, id, journal.id);
  await journalMarker(context, folder);
}

/** A journal of 0.1.0 does not record that its marker was created. It does record commits. */
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
 * Runs at each claim. Rejects with SINK_MARKER_MISSING if the marker that existed at the start is gone: a
 * file system that is no longer mounted looks empty, without any witness.
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
    `${folder} has no marker of job "${job}" (.tidemark/${job}), though the job has written there: is ` +
      'its file system mounted? Nothing is written until the marker is there again. If the destination was ' +
      'emptied on purpose, give the job another name.',
    { fields: { sink: folder } },
  );
}

function ofAnother(folder: string, job: string, found: JournalId, own: JournalId): TidemarkError {
  return new JournalFailure(
    'replaced',
    `${folder} was written by job "${job}" with journal ${found}; the configured journal is ${own}. ` +
      'Point the job at its own journal; or, to begin anew, give the job another name or an empty ' +
      'destination.',
    { fields: { sink: folder, markerJournalId: found, journalId: own } },
  );
}
