/**
 * Continues a file of an earlier owner, who may still be writing. A rename alone fences nobody, since blocks
 * are written by file id. So the lease is taken away, and the file is moved to a name that only this owner
 * knows. Then it is cut to its checkpointed length, read back, and opened by this claim's own client.
 */
import type { Pacer } from '../../../journal/port.ts';
import type { Log } from '../../telemetry/log.ts';
import type { DurablePart, PartTarget } from '../port.ts';
import type { FileStatus, JindoClient } from './client.ts';
import { contentDiffers } from '../failure.ts';
import { isJindoError, JindoError, outcomeUnknown, refusedOrUnknown, unavailable } from './errors.ts';
import { JindoOpenFile } from './openFile.ts';
import { patiently } from './publish.ts';
import { differenceOf } from './content.ts';
import type { OssPaths } from './uri.ts';

const CLOSED_POLL_MS = 100;
const PROGRESS_MS = 5_000;
/**
 * Another owner, who does not know yet that its epoch is over, may open the file during the wait. So the
 * lease is taken again.
 */
const LEASE_AGAIN_MS = 2_000;
/** After this time the epoch ends, and is retried with a backoff. */
const CLOSED_WAIT_MS = 300_000;

export interface JindoConnection {
  readonly client: JindoClient;
  readonly paths: OssPaths;
  readonly pacer: Pacer;
  readonly log: Log;
}

export async function resume(
  connection: JindoConnection,
  target: PartTarget,
  durable: DurablePart,
  toUri: string,
): Promise<JindoOpenFile> {
  const { paths, pacer } = connection;
  const fromUris = [...(target.formerUris ?? []), target.temporaryUri];
  const story =
    `${fromUris.join(' and ')} are gone, though ${durable.length} bytes of it were journaled as durable. ` +
    'Put the file back, then resume.';
  await patiently(pacer, target, story, () => move(connection, fromUris, toUri));
  const path = paths.temporaryPathOf(toUri);
  // Excludes an owner that opened the file under its old name meanwhile, before anything is cut or appended.
  await understood(toUri, () => untilClosed(connection, path, toUri));
  await cut(connection, target, durable, toUri);
  await verify(connection, target, durable, toUri);
  return append(connection, durable, toUri);
}

/** The data is under exactly one of the journaled names, unless another new owner is moving it right now. */
async function move(
  connection: JindoConnection,
  fromUris: readonly string[],
  toUri: string,
): Promise<'done' | 'raced' | 'missing'> {
  const { client, paths } = connection;
  const to = paths.temporaryPathOf(toUri);
  for (const uri of fromUris) {
    const from = paths.temporaryPathOf(uri);
    if (!(await stands(client, from, uri))) continue;
    try {
      await untilClosed(connection, from, uri);
      const isMoved = (await client.run('rename', null, from, to, null)) === true;
      return isMoved || (await client.status(to)) !== null ? 'done' : 'raced';
    } catch (cause) {
      if (isJindoError(cause, 'notFound', 'beingCreated')) return 'raced';
      throw refusedOrUnknown('take over', uri, cause);
    }
  }
  // JindoSDK repeats a rename whose reply was lost, and then finds nothing to move. Nor does a retry after an
  // attempt that got this far.
  return (await stands(client, to, toUri)) ? 'done' : 'missing';
}

/** A read-only probe: if it gets no answer, nothing was done. */
async function stands(client: JindoClient, path: string, uri: string): Promise<boolean> {
  try {
    return (await client.status(path)) !== null;
  } catch (cause) {
    throw unavailable('look at', uri, cause);
  }
}

/** Takes the lease from its holder and waits until the file is closed. */
export async function untilClosed(connection: JindoConnection, path: string, uri: string): Promise<void> {
  const takeLease = async (): Promise<void> => {
    try {
      await connection.client.run('recoverLease', null, path, null);
    } catch (cause) {
      // A recovery in progress is all that is needed.
      if (!isJindoError(cause, 'beingCreated')) throw cause;
    }
  };
  await takeLease();
  await waitClosed(connection, path, uri, 'its lease is being recovered', takeLease);
}

async function waitClosed(
  { client, pacer, log }: JindoConnection,
  path: string,
  uri: string,
  why: string,
  again?: () => Promise<void>,
): Promise<void> {
  const sinceMs = pacer.nowMs();
  let toldMs = sinceMs;
  let askedMs = sinceMs;
  while ((await client.run('isFileClosed', null, path, null)) !== true) {
    const nowMs = pacer.nowMs();
    if (nowMs - sinceMs > CLOSED_WAIT_MS)
      throw unavailable(
        'take over',
        uri,
        new Error(`it is not closed after ${CLOSED_WAIT_MS / 1000} s, though ${why}`),
      );
    if (nowMs - toldMs > PROGRESS_MS) {
      toldMs = nowMs;
      log.info({ file: uri, waitedMs: Math.round(nowMs - sinceMs), why }, 'waiting until a file is closed');
    }
    await pacer.pause(CLOSED_POLL_MS);
    if (again === undefined || pacer.nowMs() - askedMs < LEASE_AGAIN_MS) continue;
    askedMs = pacer.nowMs();
    await again();
  }
}

/**
 * Cuts the file to its checkpointed length. If the service answers no, it is still cutting: the file is not
 * closed until then.
 */
async function cut(
  connection: JindoConnection,
  target: PartTarget,
  { length }: DurablePart,
  toUri: string,
): Promise<void> {
  const { client, paths } = connection;
  const path = paths.temporaryPathOf(toUri);
  await understood(toUri, async () => {
    const status = await client.status(path);
    if (status === null) throw new JindoError(3001, 'jdo_getFileStatus', toUri);
    if (status.length < length) {
      const difference = `holds ${status.length} bytes, ${length} were journaled as durable`;
      throw contentDiffers(target.temporaryUri, difference, 'Restore the file, then resume.', [toUri]);
    }
    if (status.length > length) await client.run('truncate', null, path, length, null);
    await waitClosed(connection, path, toUri, 'it is being cut');
  });
}

async function verify(
  connection: JindoConnection,
  target: PartTarget,
  durable: DurablePart,
  toUri: string,
): Promise<void> {
  const { client, paths } = connection;
  const path = paths.temporaryPathOf(toUri);
  const difference = await understood(toUri, async () => {
    const status: FileStatus | null = await client.status(path);
    if (status === null) throw new JindoError(3001, 'jdo_getFileStatus', toUri);
    return differenceOf(client, path, status, durable);
  });
  if (difference === null) return;
  const advice =
    `What was journaled as durable of ${target.finalUri} is not there: ` + 'restore the file, then resume.';
  throw contentDiffers(target.temporaryUri, difference, advice, [toUri]);
}

async function append(
  { client, paths }: JindoConnection,
  { length }: DurablePart,
  toUri: string,
): Promise<JindoOpenFile> {
  const path = paths.temporaryPathOf(toUri);
  const io = await understood(toUri, () => client.append(path));
  const file = new JindoOpenFile(client, toUri, io);
  try {
    const position = await file.position();
    if (position === length) return file;
    const why = new Error(`it was opened at ${position}, and ${length} bytes count: somebody else is at it`);
    throw outcomeUnknown('go on with', toUri, why);
  } catch (error) {
    await file.abandon();
    throw error;
  }
}

/**
 * If the file is gone or open again, another owner is using it, and what it does with the file is unknown.
 */
async function understood<T>(uri: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw refusedOrUnknown('take over', uri, cause);
  }
}
