/**
 * Run as a process of its own, so that patched sources are loaded: `hunt.ts <root> <store> <seed> <runs>
 * [<schedule>]` fuzzes the copy at `root`, or runs the one schedule of that file, and writes one line of
 * JSON. Exits as `tidemark fuzz` does: 1 where the promise was broken. What it does not do is shrink.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Runner from '../../sim/runner.ts';
import type { StoreKind } from '../../sim/schedule.ts';
import { parseSchedule } from '../../sim/scheduleText.ts';

export interface Hunted {
  readonly verdict: 'held' | 'violated';
  /** Every invariant that is broken; empty where it held. */
  readonly invariants: readonly string[];
  readonly message: string | null;
  readonly schedules: number;
}

if (import.meta.main) {
  const [root = '', store = '', seed = '', runs = '', file] = process.argv.slice(2);
  const runner = pathToFileURL(path.join(root, 'sim/runner.ts')).href;
  const { fuzz } = (await import(runner)) as typeof Runner;
  const stop = new AbortController();
  const report = await fuzz({
    ...{ seed: Number(seed), store: store as StoreKind, job: null, threads: 1 },
    mode:
      file === undefined
        ? { type: 'runs', runs: Number(runs) }
        : { type: 'replay', schedule: parseSchedule(readFileSync(file, 'utf8').trim(), file) },
    ...{ nowMs: () => performance.now(), signal: stop.signal },
    onProgress: ({ what }) => {
      if (what === 'shrinking') stop.abort();
    },
  });
  const violations = report.failure?.violations ?? [];
  const hunted: Hunted = {
    verdict: report.verdict,
    invariants: [...new Set(violations.map(({ invariant }) => invariant))],
    message: violations[0]?.message ?? null,
    schedules: report.schedules,
  };
  process.stdout.write(`${JSON.stringify(hunted)}\n`);
  process.exitCode = hunted.verdict === 'held' ? 0 : 1;
}
