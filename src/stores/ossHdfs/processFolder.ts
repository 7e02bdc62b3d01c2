/**
 * A folder of this process for files that nobody else may read, and that nothing needs once the process is
 * gone: what JindoSDK has not flushed, and the keys that it reads. A killed process leaves them, so the next
 * one removes the folders of processes that are gone.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { isGone, procTable, type ProcessIdentity, type ProcessTable } from '../../system/processTable.ts';
import type { Log } from '../../telemetry/log.ts';

/** Folder of a process that the system cannot tell from others. */
const ANYBODYS = 'shared';

/** Creates this process's folder below `all`, and removes those of killed processes. */
export async function openProcessFolder(
  all: string,
  log: Log,
  table: ProcessTable = procTable,
): Promise<string> {
  const self = table.self();
  const own = path.join(all, self === null ? ANYBODYS : nameOf(self));
  await mkdir(own, { recursive: true, mode: 0o700 });
  if (self === null) return own;
  for (const name of await readdir(all)) {
    const owner = ownerOf(name);
    if (owner === null || name === path.basename(own) || !isGone(owner, self, table)) continue;
    try {
      await rm(path.join(all, name), { recursive: true, force: true });
    } catch (error) {
      log.warn(
        { err: error, folder: path.join(all, name) },
        'what a killed process left could not be removed',
      );
    }
  }
  return own;
}

function nameOf({ bootId, pidNamespace, pid, processStartTime }: ProcessIdentity): string {
  return [bootId, pidNamespace.replaceAll(/\D/g, ''), pid, processStartTime].join('_');
}

function ownerOf(name: string): ProcessIdentity | null {
  if (!/^[0-9a-f-]{36}(_\d+){3}$/.test(name)) return null;
  const [bootId = '', namespace = '', pid = '', processStartTime = ''] = name.split('_');
  return { bootId, pidNamespace: `pid:[${namespace}]`, pid: Number(pid), processStartTime };
}
