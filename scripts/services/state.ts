import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log, ServiceName } from './common.ts';

/** What `start` has started. Written before it answers, so that nothing started is ever lost. */
export type ServiceRecord =
  | {
      readonly how: 'local';
      readonly address: string;
      readonly version: string;
      readonly pid: number;
      /** See `processIdentity`: by now the pid alone may belong to another process. */
      readonly identity: string;
    }
  | { readonly how: 'container'; readonly address: string };

/** The folder of one service: its record, and the files of a local server. */
export function serviceDir(stateDir: string, service: ServiceName): string {
  return path.join(stateDir, service);
}

function recordFile(stateDir: string, service: ServiceName): string {
  return path.join(serviceDir(stateDir, service), 'service.json');
}

export function readRecord(stateDir: string, service: ServiceName): ServiceRecord | undefined {
  const file = recordFile(stateDir, service);
  if (!existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, 'utf8')) as ServiceRecord;
}

export function writeRecord(stateDir: string, service: ServiceName, record: ServiceRecord): void {
  const file = recordFile(stateDir, service);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(record, undefined, 2)}\n`);
  renameSync(`${file}.new`, file);
}

/** Removes a service's record and everything it has written. */
export function removeService(stateDir: string, service: ServiceName): void {
  rmSync(serviceDir(stateDir, service), { recursive: true, force: true });
}

/**
 * Runs `body` while no other command changes the same services. The lock is a kernel lock taken by SQLite: it
 * is released when the process ends, however it ends. The lock file is next to the state folder, which `stop`
 * removes.
 */
export async function withLock<Result>(
  stateDir: string,
  log: Log,
  signal: AbortSignal | undefined,
  body: () => Promise<Result>,
): Promise<Result> {
  mkdirSync(path.dirname(stateDir), { recursive: true });
  const database = new DatabaseSync(`${stateDir}.lock`);
  try {
    for (let tries = 0; !tryLock(database); tries++) {
      if (tries === 5) log('waiting for another command that starts or stops these services ...');
      await delay(100, undefined, signal && { signal });
    }
    return await body();
  } finally {
    database.close();
  }
}

const sqliteBusy = 5;

function tryLock(database: DatabaseSync): boolean {
  try {
    database.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if ((error as { errcode?: number }).errcode === sqliteBusy) return false;
    throw error;
  }
}
