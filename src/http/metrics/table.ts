/** Every metric that a service exposes. docs/metrics.md is made from this table. */

export interface Metric {
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Besides `job`. */
  readonly labels: readonly string[];
  readonly help: string;
}

const OF_PARTITION = ['topic', 'partition'] as const;

const counter = (help: string, labels: readonly string[] = []): Metric => ({ type: 'counter', labels, help });
const gauge = (help: string, labels: readonly string[] = []): Metric => ({ type: 'gauge', labels, help });
const histogram = (help: string, labels: readonly string[] = []): Metric => ({
  ...{ type: 'histogram', labels, help },
});

const RECORDS = {
  tidemark_records_read_total: counter(
    'Records that completed checkpoints of this process have counted.',
    OF_PARTITION,
  ),
  tidemark_bytes_read_total: counter(
    'Bytes of fetched batches that were given to the files, as the source had them (compressed).',
    OF_PARTITION,
  ),
  tidemark_records_written_total: counter(
    'Of the records read, those that are in files, bad records in their own files included.',
    OF_PARTITION,
  ),
  tidemark_records_skipped_total: counter('Of the records read, those that are in no file, by reason.', [
    ...OF_PARTITION,
    'reason',
  ]),
  tidemark_bad_records_total: counter(
    'Bad records by reason: skipped ones, and those in files of bad records.',
    [...OF_PARTITION, 'reason'],
  ),
};

const OFFSETS = {
  tidemark_fetched_offset: gauge('Next offset to read.', OF_PARTITION),
  tidemark_checkpointed_offset: gauge('First offset that no completed checkpoint counts.', OF_PARTITION),
  tidemark_published_offset: gauge('All records below it are in committed files.', OF_PARTITION),
  tidemark_log_end_offset: gauge(
    'End of the log (last stable offset), as the source said within the last seconds.',
    OF_PARTITION,
  ),
  tidemark_lag_records: gauge('Offsets between the last checkpoint and the end of the log.', OF_PARTITION),
  tidemark_unpublished_age_seconds: gauge(
    'Time since the oldest record was read that is in no committed file; 0 if there is none.',
    OF_PARTITION,
  ),
};

const FILES = {
  tidemark_part_files: gauge(
    'Part files by state: open (not in a checkpoint as closed), pending (to be published).',
    ['state'],
  ),
  tidemark_part_files_committed_total: counter(
    'Files that this process committed, by why they were closed.',
    [...OF_PARTITION, 'roll_reason'],
  ),
  tidemark_part_file_bytes: histogram('Size of committed files in bytes.'),
  tidemark_part_file_records: histogram('Records of committed files.'),
  tidemark_forced_rolls_total: counter(
    'Files closed early because there was no room: memory, or open files.',
    ['cause'],
  ),
};

const TIMES = {
  tidemark_checkpoint_seconds: histogram('Time of a completed checkpoint, from its cut to its entry.'),
  tidemark_publish_seconds: histogram('Time from a file being pending to its commit in the journal.'),
  tidemark_store_request_seconds: histogram('Time of a call to the destination, by outcome (ok, error).', [
    ...['operation', 'outcome'],
  ]),
  tidemark_journal_append_seconds: histogram('Time of an append to the journal, every try by itself.'),
  tidemark_last_checkpoint_timestamp_seconds: gauge(
    'When all that was read was last checkpointed, also if that was nothing new (Unix time).',
    OF_PARTITION,
  ),
  tidemark_journal_sequence: gauge('Number of the last journaled entry.', OF_PARTITION),
};

const OWNERSHIP = {
  tidemark_claims_total: counter('Claims of this process.', OF_PARTITION),
  tidemark_fenced_total: counter('Epochs of this process that another owner has ended.', OF_PARTITION),
  tidemark_partition_state: gauge('1 for the state of now: claiming, running, stopped or halted.', [
    ...[...OF_PARTITION, 'state'],
  ]),
  tidemark_partition_stopped: gauge('1 for a partition that waits for an operator, with the code of why.', [
    ...[...OF_PARTITION, 'code'],
  ]),
  tidemark_rebalances_total: counter('Assignments that the source has made to this process.'),
};

const PROCESS = {
  tidemark_dependency_up: gauge('1 if the last answer of source, journal or destination was good, else 0.', [
    'dependency',
  ]),
  tidemark_conditions: gauge('Lasting conditions by kind, as `tidemark status` lists them.', ['kind']),
  tidemark_memory_bytes: gauge('Memory by use: open_files, or rolled_files that wait to be published.', [
    'use',
  ]),
  tidemark_memory_ceiling_bytes: gauge('What the process may take (`memory` of the job file).'),
  tidemark_checkpoint_interval_seconds: gauge('`checkpoint.interval` of the job file.'),
  tidemark_roll_max_age_seconds: gauge('`roll.maxAge` of the job file, if there is one.'),
  tidemark_roll_max_bytes: gauge('`roll.maxBytes` of the job file, if there is one.'),
  tidemark_event_loop_active_seconds_total: counter(
    'Time in which the event loop did something; its rate is the share of one core.',
  ),
  tidemark_build_info: gauge('1, with the version of Tidemark and of Node.', ['version', 'node']),
  process_cpu_seconds_total: counter('Time of all cores that the process has used.'),
  process_resident_memory_bytes: gauge('Resident memory of the process.'),
  process_start_time_seconds: gauge('When the process began (Unix time).'),
  process_open_fds: gauge('Open file descriptors, where the system tells them.'),
};

export const METRICS = { ...RECORDS, ...OFFSETS, ...FILES, ...TIMES, ...OWNERSHIP, ...PROCESS } as const;

export type MetricName = keyof typeof METRICS;

/** For the page. */
export const METRIC_GROUPS: Readonly<Record<string, Readonly<Record<string, Metric>>>> = {
  Records: RECORDS,
  Offsets: OFFSETS,
  Files: FILES,
  'Times and the journal': TIMES,
  'Ownership and stops': OWNERSHIP,
  'The process': PROCESS,
};
