/**
 * Where JindoSDK keeps what is written and not flushed: a file for each open one, on the local disk, that anybody may read. So the
 * folder is closed. It leaves the files of handles that were let go of, and of a killed process all: each process has a folder of
 * its own, and the next one removes those of processes that are gone. Nothing in them counts.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { isGone, procTable, type ProcessIdentity, type ProcessTable } from '../../system/processTable.ts';
import type { Log } from '../../telemetry/log.ts';

const FOLDER = 'unflushed';
/** Of a process that the system cannot tell from others. */
const ANYBODYS = 'shared';

/** Makes this process's folder below `logFolder`, and removes those that killed ones have left. */
export async function openUnflushedFolder(
  logFolder: string,
  log: Log,
  table: ProcessTable = procTable,
): Promise<string> {
  const all = path.join(logFolder, FOLDER);
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
