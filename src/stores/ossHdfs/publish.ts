/**
 * Publishing: a rename to a name that does not exist. It does not rely on the service to refuse a rename that
 * overwrites. The final name is checked first, and only one owner at a time renames a file to it.
 */
import type { TidemarkError } from '../../../journal/errors.ts';
import type { Pacer } from '../../../journal/port.ts';
import type { DurablePart, PartTarget } from '../port.ts';
import type { FileStatus, JindoClient } from './client.ts';
import { contentDiffers, fileMissing } from '../failure.ts';
import { differenceOf } from './content.ts';
import { isJindoError, outcomeUnknown, unavailable } from './errors.ts';
import type { OssPaths } from './uri.ts';

/** A rename by another owner may show late. A file is reported missing only after so many probes. */
const MISSING_PROBES = 5;
const MISSING_PAUSE_MS = 200;
const RACES_MAX = 50;

export interface Publishing {
  readonly client: JindoClient;
  readonly paths: OssPaths;
  readonly pacer: Pacer;
}

/**
 * Publishes a file that this process closed. Its running checksum is known, so only its length is compared.
 */
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

/** Publishes a file of an earlier owner, unless somebody has already done so. */
export async function ensurePublished(
  publishing: Publishing,
  target: PartTarget,
  durable: DurablePart,
): Promise<void> {
  const story =
    `Neither ${target.temporaryUri} nor ${target.finalUri} is there, ` +
    `though ${durable.length} bytes were journaled as durable. ` +
    'Put the file back under its final name, then resume.';
  await patiently(publishing.pacer, target, story, () => ensureOnce(publishing, target, durable));
}

/**
 * Repeats `attempt` until it is done. `raced`: another owner takes the file over too, so try again.
 * `missing`: stop if stable.
 */
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
 * Probes the temporary name first. A rename creates the final name as it removes the temporary one, so
 * finding neither in this order is an error.
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

/** Null if the file is gone by now. */
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
    `Another file is where ${temporaryUri} is to be published, and is left alone. ` +
    'Compare the two, move the foreign one away, then resume.';
  return contentDiffers(finalUri, how, advice, [temporaryUri]);
}

async function look(client: JindoClient, path: string, uri: string): Promise<FileStatus | null> {
  try {
    return await client.status(path);
  } catch (cause) {
    throw unavailable('look at', uri, cause);
  }
}

/** False if a name is no longer as expected, or if the service refuses without a reason. */
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
  // Somebody has removed the folder. The next probe finds what is left.
  await makeFolder(client, to.slice(0, to.lastIndexOf('/')), finalUri);
  return false;
}

/** Creates a folder and its missing parents. */
async function makeFolder(client: JindoClient, path: string, uri: string): Promise<void> {
  try {
    await client.run('mkdir', null, path, true, 0o755, null);
  } catch (cause) {
    if (!isJindoError(cause, 'exists')) throw unavailable('make the folder of', uri, cause);
  }
}

/** Removes a file. Succeeds if it is already gone. */
export async function remove(client: JindoClient, path: string, uri: string): Promise<void> {
  try {
    await client.run('remove', null, path, false, null);
  } catch (cause) {
    if (!isJindoError(cause, 'notFound')) throw unavailable('remove', uri, cause);
  }
}
