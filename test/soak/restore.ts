/**
 * A journal that is restored from an older backup under a job that went on, and what an operator answers then
 * (docs/restored-journal.md).
 */
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { tidemark } from '../integration/tidemarkProcess.ts';
import type { CommittedWatch, GivenUp } from './count.ts';
import type { Fleet } from './fleet.ts';

export interface JournalPlace {
  readonly jobFile: string;
  readonly topic: string;
  readonly partitions: number;
  readonly stream: string;
  readonly natsUrls: readonly string[];
  /** For backups and for files that are moved away. */
  readonly folder: string;
  /** Of the destination. */
  readonly lake: string;
  readonly committed: CommittedWatch;
  /** What the answers have given up: the count allows just that. */
  readonly givenUp: GivenUp[];
  /** Hidden files that the restored journal does not know: they stay, and nobody reads them. */
  readonly orphans: Set<string>;
}

export interface Restoring {
  /** How the coordinators end before. */
  readonly signal: NodeJS.Signals;
  readonly answer: '--from-journal' | '--from-witness';
  readonly olderByMs: number;
}

const TRIES_MAX = 8;

/** Rejects where a command fails or an answer is refused that should not be. */
export async function restoreOlderJournal(
  fleet: Fleet,
  journal: JournalPlace,
  { signal, answer, olderByMs }: Restoring,
): Promise<void> {
  const backup = path.join(journal.folder, 'older.backup');
  await succeeds('journal', 'backup', journal.jobFile, backup, '--force');
  await fleet.checkpointsOf(journal.partitions);
  await delay(olderByMs);
  await fleet.replaceAll(signal, async () => {
    for (const name of hiddenFiles(journal.lake)) journal.orphans.add(name);
    await deleteStream(journal);
    await succeeds('journal', 'restore', journal.jobFile, backup);
  });
  const partitions = Array.from({ length: journal.partitions }, (_, partition) => partition);
  await Promise.all(partitions.map((partition) => answerFor(journal, partition, answer)));
}

async function succeeds(...args: readonly string[]): Promise<void> {
  const { code, stderr } = await tidemark(args);
  if (code !== 0)
    throw new Error(`tidemark ${args.slice(0, 2).join(' ')} ended with ${String(code)}: ${stderr}`);
}

function hiddenFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.startsWith('.'))
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}

async function deleteStream({ natsUrls, stream }: JournalPlace): Promise<void> {
  const connection = await connect({ servers: [...natsUrls] });
  try {
    await (await jetstreamManager(connection)).streams.delete(stream);
  } finally {
    await connection.close();
  }
}

interface Reply {
  readonly answer: 'accepted' | 'refused' | 'none' | null;
  readonly reason: string | null;
}

/** Does what each refusal says, and asks again, as an operator does. */
async function answerFor(
  journal: JournalPlace,
  partition: number,
  answer: Restoring['answer'],
): Promise<void> {
  const name = `${journal.topic}/${partition}`;
  const acceptance: string[] = [];
  let last = '';
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const args = ['--partition', name, answer, ...acceptance, '--timeout', '60s', '--json'];
    const { stdout, stderr } = await tidemark(['resume', journal.jobFile, ...args]);
    if (stdout === '') throw new Error(`resume of ${name} failed: ${stderr}`);
    const reply = (JSON.parse(stdout) as { requests: readonly Reply[] }).requests[0];
    if (reply?.answer === 'accepted') return;
    last = reply?.reason ?? 'no answer';
    // Nothing of it was published after the backup, or an earlier request was answered late.
    if (last.includes('did not go back')) return;
    const given = givenUpIn(last, partition);
    if (given !== null) {
      journal.givenUp.push(given);
      acceptance.push('--accept-loss');
    }
    moveAway(journal, last);
  }
  throw new Error(`${name} was asked ${TRIES_MAX} times for ${answer}, last answer: ${last}`);
}

function givenUpIn(reason: string, partition: number): GivenUp | null {
  const [, from, to] = /gives up what of \[(\d+), (\d+)\)/.exec(reason) ?? [];
  return from === undefined || to === undefined ? null : { partition, from: Number(from), to: Number(to) };
}

function moveAway({ folder, lake, committed }: JournalPlace, reason: string): void {
  if (!reason.startsWith('Move these files away')) return;
  const away = path.join(folder, 'moved');
  for (const uri of reason.match(/file:\/\/[^\s,"]+\d{20}/g) ?? []) {
    const file = fileURLToPath(uri);
    const name = path.relative(lake, file);
    const target = path.join(away, `${Date.now()}`, name);
    committed.forget(name);
    mkdirSync(path.dirname(target), { recursive: true });
    // The destination may be a file system of its own.
    cpSync(file, target);
    rmSync(file);
  }
}
