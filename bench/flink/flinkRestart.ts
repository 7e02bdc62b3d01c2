/** Kills a Flink job and restarts it from its last checkpoint. */
import { globSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BenchProcess } from '../harness/measuredProcess.ts';
import { checkpointsOf, flinkArguments, type FlinkJob } from './flinkJob.ts';

const POLL_MS = 100;
const CHECKPOINT_TIMEOUT_MS = 120_000;

/**
 * Runs the job until a checkpoint holds records, then kills it. `meanwhile` appends records that no run has
 * seen; then the job starts from that checkpoint. Resolves with the seconds from the second start to the
 * first record at the sink.
 */
export async function flinkRestartSeconds(
  classPath: string,
  job: Omit<FlinkJob, 'isUnbounded' | 'restore'>,
  meanwhile: () => Promise<void>,
  signal: AbortSignal,
): Promise<number> {
  const start = (more: Pick<FlinkJob, 'restore'>): BenchProcess => {
    const args = flinkArguments(classPath, { ...job, ...more, isUnbounded: true });
    return new BenchProcess('java', args, { what: 'Flink', signal });
  };
  const first = start({});
  const { atMs } = await first.said(isFirstRecord);
  const seenMs = performance.timeOrigin + atMs;
  const restore = await checkpointAfter(seenMs, job, first);
  await first.killed();
  await meanwhile();
  const startedMs = performance.now();
  const second = start({ restore });
  const firstRecord = await second.said(isFirstRecord);
  await second.killed();
  return (firstRecord.atMs - startedMs) / 1000;
}

export const isFirstRecord = (line: string): boolean => line === 'first record';

/** The folder of the last checkpoint, once one was completed after that time. */
export async function checkpointAfter(
  timeMs: number,
  job: Pick<FlinkJob, 'folder'>,
  running: BenchProcess,
): Promise<string> {
  for (const giveUpAt = Date.now() + CHECKPOINT_TIMEOUT_MS; Date.now() < giveUpAt;) {
    if (running.child.exitCode !== null) throw running.failure(running.child.exitCode);
    const last = lastCheckpoint(job);
    if (last !== null && last.atMs > timeMs + 2 * POLL_MS) return last.folder;
    await delay(POLL_MS);
  }
  throw new Error(`Flink completed no checkpoint within ${CHECKPOINT_TIMEOUT_MS / 1000} s`);
}

/** Null before the first one is complete. */
export function lastCheckpoint(job: Pick<FlinkJob, 'folder'>): { folder: string; atMs: number } | null {
  const cwd = checkpointsOf(job);
  const found = globSync('*/chk-*/_metadata', { cwd }).flatMap((name) => {
    const file = path.join(cwd, name);
    const stat = statSync(file, { throwIfNoEntry: false });
    return stat === undefined ? [] : [{ folder: path.dirname(file), atMs: stat.mtimeMs }];
  });
  return found.sort((a, b) => a.atMs - b.atMs).at(-1) ?? null;
}
