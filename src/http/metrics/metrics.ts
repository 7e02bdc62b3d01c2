/**
 * The metrics of a run as text, made when somebody asks: nothing is kept for them but plain numbers. Asks no
 * dependency.
 */
import type { TopicPartition } from '../../../journal/ids.ts';
import { systemClock } from '../../system/clock.ts';
import type { PartitionCounts, RunCounts } from '../../telemetry/runCounts.ts';
import { RunStats } from '../../writing/runStats.ts';
import { viewOf, type PartitionView } from '../partitionView.ts';
import type { HttpRun, OpenRun } from '../run.ts';
import { openFds, processFacts } from './processFacts.ts';
import type { MetricName } from './table.ts';
import { labelsText, MetricsText, type Samples } from './text.ts';

export interface Scraped {
  readonly run: HttpRun['options'];
  /** Null while the process waits for its journal. */
  readonly open: OpenRun | null;
  readonly stats: RunStats;
  readonly counts: RunCounts;
  readonly counted: readonly (readonly [labels: string, counts: PartitionCounts])[];
  readonly views: readonly (readonly [labels: string, view: PartitionView])[];
}

type Collect = (samples: Samples, scraped: Scraped) => void;

export function metricsText({ options, ifOpen: open }: HttpRun): string {
  const stats = open?.coordinator.stats ?? new RunStats({ keepFiles: false });
  const { counts } = stats;
  const scraped: Scraped = {
    ...{ run: options, open, stats, counts },
    counted: [...counts.partitions()].map((each) => [partitionLabels(each.partition), each]),
    views: [...(open?.coordinator.runners() ?? [])].map((runner) => [
      partitionLabels(runner.task.partition),
      viewOf(runner, systemClock),
    ]),
  };
  return textOf(scraped);
}

/** Exported for its bench and its tests. */
export function textOf(scraped: Scraped): string {
  const text = new MetricsText({ job: scraped.run.job });
  for (const [name, collect] of Object.entries(COLLECT)) collect(text.metric(name as MetricName), scraped);
  return text.toString();
}

export function partitionLabels({ topic, partition }: TopicPartition): string {
  return labelsText({ topic, partition });
}

/** A number of each partition that this process has read. */
const eachCount =
  (pick: (counts: PartitionCounts) => number): Collect =>
  (samples, { counted }) => {
    for (const [labels, counts] of counted) samples.add(pick(counts), labels);
  };

/** The same with a label of its own. */
const eachReason =
  (label: string, pick: (counts: PartitionCounts) => Iterable<readonly [string, number]>): Collect =>
  (samples, { counted }) => {
    for (const [labels, counts] of counted)
      for (const [reason, value] of pick(counts))
        samples.add(value, `${labels},${labelsText({ [label]: reason })}`);
  };

/** A number of each partition that this process has now. */
const eachView =
  (pick: (view: PartitionView, scraped: Scraped) => number | bigint | null): Collect =>
  (samples, scraped) => {
    for (const [labels, view] of scraped.views) {
      const value = pick(view, scraped);
      if (value !== null) samples.add(value, labels);
    }
  };

/** A number of the whole process; none if it is null. */
const one =
  (pick: (scraped: Scraped) => number | null): Collect =>
  (samples, scraped) => {
    const value = pick(scraped);
    if (value !== null) samples.add(value);
  };

const named =
  (label: string, pick: (scraped: Scraped) => Readonly<Record<string, number>>): Collect =>
  (samples, scraped) => {
    for (const [name, value] of Object.entries(pick(scraped)))
      samples.add(value, labelsText({ [label]: name }));
  };

const lagOf = (view: PartitionView, { open }: Scraped): bigint | null => {
  const endOffset = open?.endOffset(view.partition) ?? null;
  if (endOffset === null || view.owned === null) return null;
  const lag = endOffset - view.owned.checkpointedOffset;
  return lag > 0n ? lag : 0n;
};

const secondsOf = (ms: number | null): number | null => (ms === null ? null : ms / 1_000);

const COLLECT: Readonly<Record<MetricName, Collect>> = {
  tidemark_records_read_total: eachCount((counts) => counts.recordsRead),
  tidemark_bytes_read_total: eachCount((counts) => counts.bytesRead),
  tidemark_records_written_total: eachCount((counts) => counts.recordsWritten),
  tidemark_records_skipped_total: eachReason('reason', (counts) => [
    ['null-value', counts.recordsSkippedNull],
    ['bad', counts.recordsSkippedBad],
  ]),
  tidemark_bad_records_total: eachReason('reason', (counts) => counts.recordsBad),

  tidemark_fetched_offset: eachView((view) => view.fetchedOffset),
  tidemark_checkpointed_offset: eachView(({ owned }) => owned?.checkpointedOffset ?? null),
  tidemark_published_offset: eachView(({ owned }) => owned?.publishedOffset ?? null),
  tidemark_log_end_offset: eachView(({ partition }, { open }) => open?.endOffset(partition) ?? null),
  tidemark_lag_records: eachView(lagOf),
  tidemark_unpublished_age_seconds: eachView(({ owned }) => secondsOf(owned?.unpublishedMs ?? null)),

  tidemark_part_files: named('state', ({ stats }) => ({
    open: stats.openFiles,
    pending: stats.pendingFiles,
  })),
  tidemark_part_files_committed_total: eachReason('roll_reason', (counts) => counts.filesCommitted),
  tidemark_part_file_bytes: (samples, { counts }) => samples.addHistogram(counts.fileBytes),
  tidemark_part_file_records: (samples, { counts }) => samples.addHistogram(counts.fileRecords),
  tidemark_forced_rolls_total: named('cause', ({ counts: { forcedRolls } }) => ({
    memory: forcedRolls.memory,
    open_files: forcedRolls.openFiles,
  })),

  tidemark_checkpoint_seconds: (samples, { counts }) => samples.addHistogram(counts.checkpointSeconds),
  tidemark_publish_seconds: (samples, { counts }) => samples.addHistogram(counts.publishSeconds),
  tidemark_store_request_seconds: (samples, { counts }) => {
    for (const [operation, histograms] of counts.storeSeconds)
      for (const outcome of ['ok', 'error'] as const)
        if (histograms[outcome].count > 0)
          samples.addHistogram(histograms[outcome], labelsText({ operation, outcome }));
  },
  tidemark_journal_append_seconds: (samples, { counts }) => samples.addHistogram(counts.appendSeconds),
  tidemark_last_checkpoint_timestamp_seconds: eachView(({ partition }, { counts }) =>
    secondsOf(counts.of(partition).checkpointAtMs),
  ),
  tidemark_journal_sequence: eachView(({ owned }) => owned?.journalSeq ?? null),

  tidemark_claims_total: eachCount((counts) => counts.claims),
  tidemark_fenced_total: eachCount((counts) => counts.fenced),
  tidemark_partition_state: (samples, { views }) => {
    for (const [labels, { state }] of views) samples.add(1, `${labels},state="${state}"`);
  },
  tidemark_partition_stopped: (samples, { views }) => {
    for (const [labels, { stop }] of views)
      if (stop !== null) samples.add(1, `${labels},${labelsText({ code: stop.code })}`);
  },
  tidemark_rebalances_total: one(({ counts }) => counts.rebalances),

  tidemark_dependency_up: named('dependency', ({ open }) => {
    const answers = open?.coordinator.health.dependencies.answers;
    return Object.fromEntries(
      Object.entries(answers ?? {}).map(([name, { state }]) => [name, state === 'error' ? 0 : 1]),
    );
  }),
  tidemark_conditions: named('kind', ({ run }) => {
    const kinds = { stopped: 0, halted: 0, refused: 0, waiting: 0, retried: 0, noticed: 0 };
    for (const { kind } of run.conditions.list()) kinds[kind] += 1;
    return kinds;
  }),
  tidemark_memory_bytes: named('use', ({ open }) => {
    if (open === null) return {};
    const { use } = open.memory;
    return { open_files: use.heldBytes(), rolled_files: use.rolledBytes() };
  }),
  tidemark_memory_ceiling_bytes: one(({ open }) => open?.memory.ceilingBytes ?? null),
  tidemark_checkpoint_interval_seconds: one(({ run }) => secondsOf(run.limits.checkpointIntervalMs)),
  tidemark_roll_max_age_seconds: one(({ run }) => secondsOf(run.limits.rollMaxAgeMs)),
  tidemark_roll_max_bytes: one(({ run }) => run.limits.rollMaxBytes),
  tidemark_event_loop_active_seconds_total: one(() => processFacts().loopActiveSeconds),
  tidemark_build_info: (samples, { run: { version } }) =>
    samples.add(1, labelsText({ version, node: process.versions.node })),
  process_cpu_seconds_total: one(() => processFacts().cpuSeconds),
  process_resident_memory_bytes: one(() => processFacts().residentBytes),
  process_start_time_seconds: one(() => processFacts().startedAtSeconds),
  process_open_fds: one(openFds),
};
