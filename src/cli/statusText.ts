/** `tidemark status` for people. Offsets have no separators, so that they can be copied into a command. */
import { formatBytes, formatCount, formatNoun } from '../telemetry/format.ts';
import type { CoordinatorStatus, DependencyStatus, JobStatus, PartitionStatus } from '../app/contract.ts';
import { nameBelowSink } from './fileNames.ts';
import { partitionNotes, proposalLines } from './statusNotes.ts';
import { left, right, tableLines } from './table.ts';

export interface StatusTextOptions {
  readonly sinkUri: string;
  /** The job file as the user wrote it, for the proposed commands. */
  readonly jobFile: string;
}

export function statusText(status: JobStatus, options: StatusTextOptions): string {
  const { journal, partitions, coordinators, dependencies } = status;
  const id = journal.id === null ? 'it does not answer' : `id ${journal.id}`;
  const live = coordinators.filter(({ isLive }) => isLive);
  const isRunning = live.length > 0;
  const tellsAll = live.every(({ omitted }) => omitted.partitions === 0);
  const blocks = [
    [`job ${status.job}`, `journal ${journal.kind} ${journal.location} (${id})`],
    status.asOf === null ? coordinatorTable(coordinators) : [asOfLine(status.asOf)],
    dependencyTable(dependencies, coordinators),
    partitions.length === 0 ? ['no partition is known yet: the job has not run'] : partitionTable(partitions),
    ...partitions.map((partition) => fileTable(partition, options.sinkUri)),
    ...partitions.map((partition) => stopLines(partition, options.jobFile)),
    partitions.flatMap((partition) => partitionNotes(partition, { isRunning, tellsAll })),
    live.flatMap(conditionLines),
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => `${line}\n`).join(''))
    .join('\n');
}

function asOfLine(moment: NonNullable<JobStatus['asOf']>): string {
  const when = moment.type === 'time' ? `at ${moment.iso}` : `after entry ${moment.seq} of each partition`;
  return `as the journal had it ${when}; what coordinators and dependencies said then is not in it`;
}

function nameOf({ topic, partition }: PartitionStatus): string {
  return `${topic}/${partition}`;
}

function coordinatorTable(coordinators: readonly CoordinatorStatus[]): string[] {
  if (coordinators.length === 0) return ['no coordinator is running'];
  const columns = [
    left('COORDINATOR'),
    left('VERSION'),
    left('STARTED'),
    left('LAST SEEN'),
    right('PARTITIONS'),
  ];
  const rows = coordinators.map((coordinator) => {
    const { host, pid, version, startedAt, seenMsAgo, isLive, partitions, omitted } = coordinator;
    return [
      `${host}:${pid}`,
      version,
      startedAt,
      `${ago(seenMsAgo)}${isLive ? '' : ', gone'}`,
      formatCount(isLive ? partitions.length + omitted.partitions : 0),
    ];
  });
  return tableLines(columns, rows);
}

function ago(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 120) return `${seconds} s ago`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min ago` : `${Math.round(minutes / 60)} h ago`;
}

/** The answers to this command, and those to the coordinators. */
function dependencyTable(
  asked: readonly DependencyStatus[],
  coordinators: readonly CoordinatorStatus[],
): string[] {
  const columns = [left('DEPENDENCY'), left('ASKED BY'), left('ANSWER'), left('SINCE'), left('')];
  const own = asked.map(({ name, state, code, message }) => [
    name,
    'this command',
    code ?? state,
    'now',
    message ?? '',
  ]);
  const others = coordinators
    .filter(({ isLive }) => isLive)
    .flatMap(({ host, pid, dependencies }) =>
      dependencies.map(({ name, state, code, message, since }) => [
        name,
        `${host}:${pid}`,
        code ?? (state === 'unknown' ? 'not asked yet' : state),
        since,
        message ?? '',
      ]),
    );
  return own.length === 0 ? [] : tableLines(columns, [...own, ...others]);
}

function partitionTable(partitions: readonly PartitionStatus[]): string[] {
  const columns = [
    left('PARTITION'),
    left('STATE'),
    right('EPOCH'),
    right('NEXT OFFSET'),
    right('LAG'),
    right('READ'),
    right('SKIPPED'),
    right('OPEN FILES'),
    right('COMMITTED'),
  ];
  const rows = partitions.map((partition) => [
    nameOf(partition),
    partition.state,
    String(partition.epoch),
    String(partition.nextOffset),
    lagText(partition),
    formatCount(partition.recordsRead),
    formatCount(partition.recordsSkipped),
    formatCount(partition.buckets.reduce((sum, { parts }) => sum + parts.length, 0)),
    formatCount(partition.committedFiles),
  ]);
  return tableLines(columns, rows);
}

/** `0 + 12 open`: nothing to read, and 12 offsets held back by an open transaction. */
function lagText({ lag, heldBack }: PartitionStatus): string {
  if (lag === null) return '-';
  return heldBack === null || heldBack === 0n ? String(lag) : `${lag} + ${heldBack} open`;
}

function fileTable(partition: PartitionStatus, sinkUri: string): string[] {
  const columns = [
    left('BUCKET'),
    left('BUCKET STATE'),
    left('FILE'),
    left('STATE'),
    right('RECORDS'),
    right('SIZE'),
    left('OFFSETS'),
  ];
  const rows = partition.buckets.flatMap((bucket) =>
    bucket.parts.map((part) => [
      bucket.bucket === '' ? '.' : bucket.bucket,
      bucket.state,
      nameBelowSink(part.finalUri, sinkUri),
      part.state,
      formatCount(part.records),
      formatBytes(part.length),
      offsetRange(part.firstOffset, part.lastOffset),
    ]),
  );
  return rows.length === 0
    ? []
    : [`files of ${nameOf(partition)} that are not committed yet`, ...tableLines(columns, rows)];
}

function offsetRange(first: bigint | null, last: bigint | null): string {
  return first === null || last === null ? '-' : `${first} to ${last}`;
}

function stopLines(partition: PartitionStatus, jobFile: string): string[] {
  const { stop, state } = partition;
  if (stop === null) return [];
  const name = nameOf(partition);
  return [`${name} ${state}: ${stop.code}: ${stop.message}`, ...proposalLines(partition, jobFile)];
}

/** Lasting conditions that are not shown above: stops, halts and refused requests have their own lines. */
function conditionLines({ host, pid, conditions, omitted }: CoordinatorStatus): string[] {
  const told: readonly string[] = ['stopped', 'halted', 'refused'];
  const lines = conditions
    .filter(({ kind }) => !told.includes(kind))
    .map(({ about, kind, code, message, help, since, times }) => {
      if (kind === 'noticed') return `${about}: ${message} ${help}`;
      const what =
        kind === 'waiting' ? 'is waited for' : `is tried again, ${formatNoun(times, 'time')} so far`;
      return `${about} ${what} by ${host}:${pid} since ${since}: ${code}: ${message} ${help}`;
    });
  if (omitted.conditions > 0)
    lines.push(`and ${formatCount(omitted.conditions)} more of ${host}:${pid}; see its log.`);
  return lines;
}
