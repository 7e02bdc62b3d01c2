/**
 * What binds a destination to a journal: its marker, an object `<sink>/.tidemark/<job>` that is created once
 * and holds the journal's id; and its witnesses, empty objects whose names are all of their information.
 */
import { JournalFailure } from '../../../journal/failure.ts';
import { journalId, type JobName, type JournalId } from '../../../journal/ids.ts';
import { forEachBounded } from '../../system/concurrency.ts';
import { handleInvalid } from '../failure.ts';
import { BOOKKEEPING } from '../storedContent.ts';
import { chunksOf, contentOf } from './content.ts';
import { isRefusal, outcomeUnknown, unavailable } from './errors.ts';
import type { Objects } from './objects.ts';
import type { ObjectKeys } from './uri.ts';

const MARKER_BYTES_MAX = 1024;
const REMOVED_AT_ONCE = 8;

interface Place {
  readonly objects: Objects;
  readonly keys: ObjectKeys;
}

const markerUriOf = (sinkUri: string, job: JobName): string => `${sinkUri}/${BOOKKEEPING}/${job}`;

export async function claimMarker(
  place: Place,
  sinkUri: string,
  job: JobName,
  id: JournalId,
): Promise<JournalId> {
  const uri = markerUriOf(sinkUri, job);
  try {
    await place.objects.putNew(place.keys.keyOf(uri), contentOf(Buffer.from(`${id}\n`)));
    return id;
  } catch (cause) {
    if (!isRefusal(cause, 'FileAlreadyExists'))
      throw outcomeUnknown('make the marker of the journal', uri, cause);
  }
  const standing = await readMarker(place, sinkUri, job);
  if (standing !== null) return standing;
  throw unavailable('make the marker of the journal', uri, new Error('somebody removed it meanwhile'));
}

/** Null if there is none. */
export async function readMarker(
  { objects, keys }: Place,
  sinkUri: string,
  job: JobName,
): Promise<JournalId | null> {
  const uri = markerUriOf(sinkUri, job);
  const key = keys.keyOf(uri);
  const chunks: Uint8Array[] = [];
  try {
    const facts = await objects.head(key);
    if (facts === null) return null;
    if (facts.length > MARKER_BYTES_MAX) throw strange(uri, `has ${facts.length} bytes`);
    for await (const chunk of chunksOf(objects, key, facts)) chunks.push(Buffer.from(chunk));
  } catch (cause) {
    if (isRefusal(cause, 'NoSuchKey')) return null;
    throw unavailable('read the marker of the journal', uri, cause);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  try {
    return journalId(text.replace(/\n$/, ''));
  } catch {
    throw strange(uri, `holds "${text.slice(0, 80)}"`);
  }
}

function strange(uri: string, how: string) {
  return new JournalFailure(
    'replaced',
    `${uri} is to hold the id of the job's journal, and ${how}. Somebody changed it. ` +
      'Find out which journal wrote there (tidemark status shows the id) and leave only that one.',
    { affected: { files: [uri] } },
  );
}

export async function writeWitness({ objects, keys }: Place, folderUri: string, name: string): Promise<void> {
  const uri = witnessUriOf(folderUri, name);
  try {
    await objects.putNew(keys.keyOf(uri), contentOf(new Uint8Array(0)));
  } catch (cause) {
    // An earlier attempt, whose outcome was unknown, took effect.
    if (isRefusal(cause, 'FileAlreadyExists')) return;
    throw outcomeUnknown('write', uri, cause);
  }
}

export async function listWitnesses({ objects, keys }: Place, folderUri: string): Promise<readonly string[]> {
  const prefix = keys.prefixOf(folderUri);
  const names: string[] = [];
  try {
    for await (const page of objects.pages(prefix, '/')) {
      for (const { key } of page.objects) names.push(key.slice(prefix.length));
      for (const folder of page.folders) names.push(folder.slice(prefix.length, -1));
    }
  } catch (cause) {
    throw unavailable('list the witnesses of the journal in', folderUri, cause);
  }
  // A console makes an object for a folder.
  return names.filter((name) => name !== '').sort();
}

export async function removeWitnesses(
  { objects, keys }: Place,
  folderUri: string,
  names: readonly string[],
): Promise<void> {
  const uris = names.map((name) => witnessUriOf(folderUri, name));
  await forEachBounded(uris, REMOVED_AT_ONCE, async (uri) => {
    try {
      await objects.remove(keys.keyOf(uri));
    } catch (cause) {
      throw unavailable('remove', uri, cause);
    }
  });
}

function witnessUriOf(folderUri: string, name: string): string {
  const uri = `${folderUri}/${name}`;
  if (name === '' || name.includes('/') || name === '.' || name === '..')
    throw handleInvalid(`"${name}" is no name of a witness in ${folderUri}.`, uri);
  return uri;
}
