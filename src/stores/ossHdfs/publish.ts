/**
 * Publishing: a rename onto a name under which nothing stands. Whether the service's rename refuses to overwrite is not relied on:
 * the final name is looked at before, and only one owner at a time renames a file there.
 */
import type { TidemarkError } from '../../../journal/errors.ts';
import type { Pacer } from '../../../journal/port.ts';
import type { DurablePart, PartTarget } from '../port.ts';
import type { FileStatus, JindoClient } from './client.ts';
import { contentDiffers, fileMissing, isJindoError, outcomeUnknown, unavailable } from './errors.ts';
import { differenceOf } from './reading.ts';
import type { OssPaths } from './uri.ts';

/** A rename by somebody else may show late: nothing is called missing before it was missing this often. */
const MISSING_PROBES = 5;
const MISSING_PAUSE_MS = 200;
const RACES_MAX = 50;

export interface Publishing {
  readonly client: JindoClient;
  readonly paths: OssPaths;
  readonly pacer: Pacer;
}

/** Publishes a file that this process closed itself: its running checksum is known, its length is compared. */
export async function commit(
  publishing: Publishing,
  target: PartTarget,
  durable: DurablePart,
): Promise<void> {
  const { client, paths } = publishing;
  const { temporary, final } = paths.partPathsOf(target);
  const [found, standing] = await Promise.all([
    look(client, temporary, target.temporaryUri),
    look(client, final, target.finalUri),
  ]);
  if (found !== null && standing === null) {
    if (found.length !== durable.length) {
      const difference = `holds ${found.length} bytes, ${durable.length} were journaled`;
      throw contentDiffers(target.temporaryUri, difference, `It is not published as ${target.finalUri}.`, [
        target.finalUri,
      ]);
    }
    if (await rename(client, temporary, final, target)) return;
  }
  await ensurePublished(publishing, target, durable);
}

/** Publishes a file of an earlier owner, or finds that somebody has done so already. */
export async function ensurePublished(
  publishing: Publishing,
  target: PartTarget,
  durable: DurablePart,
): Promise<void> {
  const story =
    `Neither ${target.temporaryUri} nor ${target.finalUri} is there, though ${durable.length} bytes were journaled as durable. ` +
    'Put the file back under its final name, then resume.';
  await patiently(publishing.pacer, target, story, () => ensureOnce(publishing, target, durable));
}

/** Tries until it is done. `raced`: somebody else settles too, so look again; `missing`: stop when that is stable. */
export async function patiently(
  pacer: Pacer,
  target: PartTarget,
  missingStory: string,
  attempt: () => Promise<'done' | 'raced' | 'missing'>,
): Promise<void> {
  let missing = 0;
  for (let probe = 1; probe <= RACES_MAX; probe += 1) {
    const outcome = await attempt();
    if (outcome === 'done') return;
    missing = outcome === 'missing' ? missing + 1 : 0;
    if (missing === MISSING_PROBES) throw fileMissing(missingStory, [target.temporaryUri, target.finalUri]);
    await pacer.pause(MISSING_PAUSE_MS);
  }
  throw unavailable(
    'publish',
    target.finalUri,
    new Error('its names kept changing while they were looked at'),
  );
}

/**
 * Probes the temporary name first: a rename makes the final name as it takes the temporary one away, so that whoever finds neither,
 * in this order, has found something wrong.
 */
async function ensureOnce(
  { client, paths }: Publishing,
  target: PartTarget,
  durable: DurablePart,
): Promise<'done' | 'raced' | 'missing'> {
  const { temporary, final } = paths.partPathsOf(target);
  const found = await look(client, temporary, target.temporaryUri);
  const standing = await look(client, final, target.finalUri);
  const status = standing ?? found;
  if (status === null) return 'missing';
  const read = await readBack(client, standing === null ? temporary : final, status, durable, target);
  if (read === null) return 'raced';
  if (standing !== null) {
    if (read.difference !== null) throw foreign(target, read.difference);
    if (found !== null) await remove(client, temporary, target.temporaryUri);
    return 'done';
  }
  if (read.difference !== null) {
    const advice = `It is not published as ${target.finalUri}: restore it, then resume.`;
    throw contentDiffers(target.temporaryUri, read.difference, advice, [target.finalUri]);
  }
  return (await rename(client, temporary, final, target)) ? 'done' : 'raced';
}

/** Null where the file is gone by now. */
async function readBack(
  client: JindoClient,
  path: string,
  status: FileStatus,
  durable: DurablePart,
  { finalUri }: PartTarget,
): Promise<{ readonly difference: string | null } | null> {
  try {
    return { difference: await differenceOf(client, path, status, durable) };
  } catch (cause) {
    if (isJindoError(cause, 'notFound')) return null;
    throw unavailable('read back', finalUri, cause);
  }
}

function foreign({ finalUri, temporaryUri }: PartTarget, how: string): TidemarkError {
  const advice =
    `Another file stands where ${temporaryUri} is to be published, and is left alone. Compare the two, move the foreign one away, ` +
    'then resume.';
  return contentDiffers(finalUri, how, advice, [temporaryUri]);
}

async function look(client: JindoClient, path: string, uri: string): Promise<FileStatus | null> {
  try {
    return await client.status(path);
  } catch (cause) {
    throw unavailable('look at', uri, cause);
  }
}

/** False where one of the names is not as expected any more, or the service says no without a reason. */
async function rename(
  client: JindoClient,
  from: string,
  to: string,
  { finalUri }: PartTarget,
): Promise<boolean> {
  try {
    return (await client.run('rename', null, from, to, null)) === true;
  } catch (cause) {
    if (isJindoError(cause, 'notFound', 'exists')) return false;
    if (!isJindoError(cause, 'parentNotFound')) throw outcomeUnknown('publish', finalUri, cause);
  }
  // Somebody has removed the folder: the next look makes out what is still there.
  await makeFolder(client, to.slice(0, to.lastIndexOf('/')), finalUri);
  return false;
}

/** Makes a folder and what is missing above it. */
async function makeFolder(client: JindoClient, path: string, uri: string): Promise<void> {
  try {
    await client.run('mkdir', null, path, true, 0o755, null);
  } catch (cause) {
    if (!isJindoError(cause, 'exists')) throw unavailable('make the folder of', uri, cause);
  }
}

/** Removes a file; one that is gone already is removed. */
export async function remove(client: JindoClient, path: string, uri: string): Promise<void> {
  try {
    await client.run('remove', null, path, false, null);
  } catch (cause) {
    if (!isJindoError(cause, 'notFound')) throw unavailable('remove', uri, cause);
  }
}
