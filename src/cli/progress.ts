/** The progress of a run: a line redrawn in place on a terminal, an occasional log line elsewhere. */
import type { RunProgress } from '../app/contract.ts';
import { formatBytes, formatCount, formatNoun } from '../telemetry/format.ts';
import type { Log } from '../telemetry/log.ts';
import type { Screen } from '../telemetry/screen.ts';

const REDRAW_MS = 200;
const LOG_MS = 10_000;

export interface ProgressDisplay {
  update(progress: RunProgress): void;
  /** Removes the line. */
  end(): void;
}

/** `nowMs` is monotonic. */
export function createTerminalProgress(screen: Screen, nowMs: () => number): ProgressDisplay {
  let drawnMs: number | null = null;
  const rate = rateMeter();
  return {
    update(progress) {
      const now = nowMs();
      if (drawnMs !== null && now - drawnMs < REDRAW_MS) return;
      drawnMs = now;
      screen.setLine(progressLine(progress, rate(progress.recordsRead, now)));
    },
    end: () => screen.setLine(null),
  };
}

/** The first line comes after 10 s: a short run logs only its end. */
export function createLoggedProgress(log: Log, nowMs: () => number): ProgressDisplay {
  let loggedMs = nowMs();
  return {
    update(progress) {
      const now = nowMs();
      if (now - loggedMs < LOG_MS) return;
      loggedMs = now;
      log.info(progress, 'progress');
    },
    end: () => undefined,
  };
}

/**
 * `123,456 records (18.2 MiB, 51,200/s) · files: 12 open, 3 pending, 40 committed · lag 1,200 · 4
 * partitions`.
 */
export function progressLine(progress: RunProgress, recordsPerSecond: number | null): string {
  const { recordsRead, bytesWritten, partitions, openFiles, pendingFiles, committedFiles, lag } = progress;
  const rate = recordsPerSecond === null ? '' : `, ${formatCount(Math.round(recordsPerSecond))}/s`;
  const files = [
    `${formatCount(openFiles)} open`,
    `${formatCount(pendingFiles)} pending`,
    `${formatCount(committedFiles)} committed`,
  ];
  return [
    `${formatNoun(recordsRead, 'record')} (${formatBytes(bytesWritten)}${rate})`,
    `files: ${files.join(', ')}`,
    ...(lag === null ? [] : [`lag ${formatCount(lag)}`]),
    formatNoun(partitions, 'partition'),
  ].join(' · ');
}

/** Records per second, averaged over about two seconds; null until there are two samples. */
function rateMeter(): (records: number, nowMs: number) => number | null {
  const windowMs = 2000;
  const seen: { records: number; atMs: number }[] = [];
  return (records, atMs) => {
    seen.push({ records, atMs });
    while (seen.length > 2 && atMs - (seen[1]?.atMs ?? atMs) >= windowMs) seen.shift();
    const first = seen[0];
    if (first === undefined || atMs <= first.atMs) return null;
    return ((records - first.records) * 1000) / (atMs - first.atMs);
  };
}
