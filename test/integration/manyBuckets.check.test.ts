/**
 * Ten thousand buckets in one process: real files, the real command, and its memory as the system counts it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { PeakMemory } from '../../bench/peakMemory.ts';

const BUCKETS = 10_000;
const RECORDS = 10_000;
const MINUTE_MS = 60_000;
const MEMORY_MIB = 256;
/** For what V8 allocates between two looks at what the system counts; 230 to 240 MiB in all were seen. */
const TOLERANCE_MIB = 8;
const TEST_MS = 300_000;

test(
  'ten thousand buckets: memory stays within its ceiling, and every record is there',
  async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-buckets-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const lines = Array.from({ length: RECORDS }, (_, number) =>
      JSON.stringify({ number, at: Date.UTC(2026, 0, 1) + (number % BUCKETS) * MINUTE_MS }),
    );
    writeFileSync(path.join(folder, 'records.ndjson'), `${lines.join('\n')}\n`);
    const job = path.join(folder, 'job.yaml');
    writeFileSync(
      job,
      `job: many-buckets
source: { file: { path: records.ndjson, time: at } }
sink: { path: lake }
bucket: { by: record-time, pattern: "yyyy-MM-dd--HH-mm" }
memory: ${MEMORY_MIB}MiB
`,
    );
    const command = path.resolve(import.meta.dirname, '../../bin/tidemark.js');
    const child = spawn(process.execPath, [command, 'run', job, '--until-end'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const memory = new PeakMemory(child.pid ?? 0);
    const [code] = (await once(child, 'close')) as [number | null];
    const peakMiB = memory.stop();
    expect(errors).not.toContain('EMFILE');
    expect(code, errors).toBe(0);
    expect(peakMiB).toBeGreaterThan(0);
    expect(peakMiB).toBeLessThanOrEqual(MEMORY_MIB + TOLERANCE_MIB);
    expect(linesBelow(path.join(folder, 'lake'))).toEqual(lines.toSorted());
  },
  TEST_MS,
);

function linesBelow(folder: string): string[] {
  return (readdirSync(folder, { recursive: true }) as string[])
    .filter((name) => path.basename(name).startsWith('part-'))
    .flatMap((name) => readFileSync(path.join(folder, name), 'utf8').split('\n').slice(0, -1))
    .sort();
}
