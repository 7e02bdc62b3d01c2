/** The same for the files of a nats-server: it is stopped, a bit is turned over, and it comes back. */
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import type { OwnNats } from '../services/servers.ts';
import type { AuditDocument } from './auditing.ts';
import {
  auditHere,
  contentOf,
  draw,
  flip,
  judgeFlip,
  putBack,
  type Content,
  type FlipOutcome,
} from './auditFlips.ts';
import { expectCode, scratchFolder, TestJob } from './testJob.ts';

const STREAM = 'FLIPS';
const RUNS = 4;
/** From the end of the block: in the checksum of its last message. */
const BEHIND_LAST = 4;

export interface NatsJob {
  readonly nats: OwnNats;
  readonly job: TestJob;
  /** What the server stores, as it was. */
  readonly kept: string;
  readonly sound: Content;
}

/** A job that has run several times to its end, with a request in its journal. */
export async function natsJobToAudit(nats: OwnNats): Promise<NatsJob> {
  const sections = {
    source: { file: { path: 'lines/*.txt' } },
    bucket: { by: 'none' },
    roll: { maxBytes: '200B' },
    startup: { timeout: '3s' },
  };
  const job = new TestJob({ brokers: [], topic: 'flips', nats: { url: nats.url, stream: STREAM }, sections });
  const lines = path.join(job.folder, 'lines');
  mkdirSync(lines);
  for (let run = 1; run <= RUNS; run += 1) {
    for (const file of ['a', 'b', 'c']) {
      const texts = Array.from({ length: run * 10 }, (_, index) => `line ${index} of ${file}\n`);
      writeFileSync(path.join(lines, `${file}.txt`), texts.join(''));
    }
    await job.finish();
  }
  expectCode(await job.command('roll', '--no-wait'), 0);
  await job.finish();
  const sound = await contentOf(job);
  if (sound === null) throw new Error('the journal cannot be read');
  expect(await judgeFlip(job, sound, 'as it was')).toBe('harmless');
  await nats.kill('SIGTERM');
  const kept = path.join(scratchFolder(), 'data');
  cpSync(dataOf(nats), kept, { recursive: true });
  return { nats, job, kept, sound };
}

const dataOf = (nats: OwnNats): string => path.join(nats.dataDir, 'data');

/** Stops the server, and puts back what it had stored. */
async function stoppedAsKept(nats: OwnNats, kept: string): Promise<void> {
  await nats.kill('SIGTERM');
  putBack(kept, dataOf(nats));
}

/** The server comes back with what it stored, and nothing is turned over. */
export async function comeBack({ nats, job, kept, sound }: NatsJob): Promise<FlipOutcome> {
  await stoppedAsKept(nats, kept);
  await nats.restart();
  return judgeFlip(job, sound, 'as it was stored');
}

/** One bit of a file of the stream, drawn by the seed; with even seeds longer files are hit more often. */
export async function flipStream({ nats, job, kept, sound }: NatsJob, seed: number): Promise<FlipOutcome> {
  await stoppedAsKept(nats, kept);
  const where = flip(drawnFile(dataOf(nats), seed), seed);
  try {
    await nats.restart();
  } catch (error) {
    // With some bits, nats-server 2.15.2 restores its stream for ever: then nobody reads any of it.
    if (!(error instanceof Error) || !error.message.includes('did not answer within')) throw error;
  }
  return judgeFlip(job, sound, where);
}

/** The last entry of the stream is damaged: the server drops it, and what is left is whole. */
export async function flipLastEntry({ nats, job, kept }: NatsJob): Promise<AuditDocument> {
  await stoppedAsKept(nats, kept);
  const [block, ...others] = filesOf(dataOf(nats)).filter((file) => file.endsWith('.blk'));
  if (block === undefined || others.length > 0) throw new Error('the stream has not one block of messages');
  const bytes = readFileSync(block);
  bytes[bytes.length - BEHIND_LAST] = (bytes[bytes.length - BEHIND_LAST] ?? 0) ^ 1;
  writeFileSync(block, bytes);
  await nats.restart();
  return JSON.parse((await auditHere(job)).stdout) as AuditDocument;
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.parentPath.includes(`/streams/${STREAM}`))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => statSync(file).size > 0)
    .sort();
}

function drawnFile(folder: string, seed: number): string {
  const files = filesOf(folder);
  const any = files[draw(seed, 'file') % files.length];
  if (seed % 2 === 1 && any !== undefined) return any;
  let left = draw(seed, 'file') % files.reduce((sum, file) => sum + statSync(file).size, 0);
  for (const file of files) {
    left -= statSync(file).size;
    if (left < 0) return file;
  }
  throw new Error(`no file of the stream in ${folder}`);
}
