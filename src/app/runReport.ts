/** What a run says of itself: its numbers while it lasts, and its report at the end. */
import type { Coordinator, CoordinatorReport } from '../run/coordinator.ts';
import type { RunProgress, RunReport } from './contract.ts';
import type { LagMeter, Position } from './lag.ts';

/** Stopped while still waiting for the journal or the source: nothing had begun. */
export const NOTHING_DONE: RunReport = {
  committed: [],
  recordsCommitted: 0,
  stoppedPartitions: [],
  reason: 'signal',
};

export function progressOf(coordinator: Coordinator, lag: LagMeter): RunProgress {
  const { recordsRead, bytesWritten, openFiles, pendingFiles, committedFiles } = coordinator.stats;
  return {
    recordsRead,
    bytesWritten,
    partitions: coordinator.partitionsRunning,
    openFiles,
    pendingFiles,
    committedFiles,
    lag: lag.of([...positionsOf(coordinator)]),
  };
}

/** Next offset to read of every partition that this process runs. */
function* positionsOf(coordinator: Coordinator): Generator<Position> {
  for (const { routerOffset: nextOffset, task } of coordinator.runners())
    if (nextOffset !== null) yield { partition: task.partition, nextOffset };
}

export function reportOfRun({ stats, stopped, reason }: CoordinatorReport): RunReport {
  return {
    committed: stats.committed,
    recordsCommitted: stats.recordsCommitted,
    stoppedPartitions: stopped.map(({ partition, stop: { code, message } }) => ({
      partition,
      code,
      message,
    })),
    reason: reason === 'end' ? 'end' : 'signal',
  };
}
