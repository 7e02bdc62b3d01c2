/** The alert rules: examples/alerts.yml, and what docs/errors.md says of each. */
import { stringify } from 'yaml';

export interface Alert {
  readonly name: string;
  readonly severity: 'critical' | 'warning' | 'info';
  /** PromQL. Limits are compared by target: its job and instance. */
  readonly expr: string;
  readonly for: string;
  readonly summary: string;
  readonly means: string;
  readonly whatToDo: string;
  /** Anchor in docs/errors.md; without it, that of the alert. */
  readonly anchor?: string;
}

/** Where the pages are: replace it by the address of your copy. */
const PAGES = 'https://tidemark.example/docs/errors.md';

const OF_TARGET = 'on (job, instance) group_left ()';

export const ALERTS: readonly Alert[] = [
  {
    name: 'TidemarkPartitionStopped',
    severity: 'critical',
    expr: 'tidemark_partition_stopped == 1',
    for: '0m',
    summary: '{{ $labels.topic }}/{{ $labels.partition }} is stopped: {{ $labels.code }}',
    means: 'A partition is given up until an operator decides; the others go on.',
    whatToDo: '`tidemark status` names the offsets and the commands that would be accepted.',
    anchor: '{{ $labels.code | toLower }}',
  },
  {
    name: 'TidemarkUnpublished',
    severity: 'critical',
    expr: `tidemark_unpublished_age_seconds > ${OF_TARGET} (3 * tidemark_roll_max_age_seconds)`,
    for: '1m',
    summary: '{{ $labels.topic }}/{{ $labels.partition }} has old records that are in no committed file',
    means: 'A record was read more than three times `roll.maxAge` ago, and is in no committed file yet.',
    whatToDo:
      'Look at `/readyz` for a destination or a journal that is away, and into the log for checkpoints ' +
      'that fail.',
  },
  {
    name: 'TidemarkLagGrowing',
    severity: 'warning',
    expr:
      'sum by (job, topic) (tidemark_lag_records) > 0 ' +
      'and sum by (job, topic) (deriv(tidemark_lag_records[15m])) > 0',
    for: '15m',
    summary: 'The lag of {{ $labels.topic }} has been growing for 15 minutes',
    means: 'More records come than are read.',
    whatToDo:
      'If the event loop is busy, start another coordinator (with a journal that several share); if not, ' +
      'look at what the destination takes for a call.',
  },
  {
    name: 'TidemarkCheckpointOld',
    severity: 'critical',
    expr:
      `(time() - tidemark_last_checkpoint_timestamp_seconds > ${OF_TARGET} ` +
      '(5 * tidemark_checkpoint_interval_seconds)) ' +
      'unless on (job, instance, topic, partition) tidemark_partition_stopped',
    for: '1m',
    summary: '{{ $labels.topic }}/{{ $labels.partition }} has made no checkpoint for five intervals',
    means: 'What is read does not come to count: a crash now would read it again.',
    whatToDo: 'The log says what a checkpoint waits for: the source, the destination or the journal.',
  },
  {
    name: 'TidemarkDependencyDown',
    severity: 'warning',
    expr: 'tidemark_dependency_up == 0',
    for: '5m',
    summary: 'The {{ $labels.dependency }} does not answer',
    means: 'The last answer of the source, the journal or the destination was a failure.',
    whatToDo: '`/readyz` names its code; Tidemark keeps trying.',
  },
  {
    name: 'TidemarkFenced',
    severity: 'warning',
    expr: 'sum by (job, instance) (increase(tidemark_fenced_total[15m])) > 5',
    for: '0m',
    summary: 'Partitions of {{ $labels.instance }} are taken over again and again',
    means: 'Other coordinators claim partitions that this one still has.',
    whatToDo:
      'Look for a process that is paused or starved (its event loop, its memory), and for rebalances ' +
      'of the group.',
    anchor: 'fenced',
  },
  {
    name: 'TidemarkMemory',
    severity: 'warning',
    expr: 'process_resident_memory_bytes / on (job, instance) tidemark_memory_ceiling_bytes > 0.95',
    for: '5m',
    summary: '{{ $labels.instance }} takes more than 95 % of its memory',
    means: 'The process is at the ceiling of `memory`: fetching pauses, and files are closed early.',
    whatToDo: 'Raise `memory`, or give it fewer buckets, and compare `tidemark_forced_rolls_total`.',
  },
  {
    name: 'TidemarkJournalSlow',
    severity: 'warning',
    expr:
      'histogram_quantile(0.99, sum by (job, instance, le) ' +
      '(rate(tidemark_journal_append_seconds_bucket[10m]))) > 1',
    for: '10m',
    summary: 'Appends to the journal take more than a second',
    means: 'One append of a hundred takes longer than a second: opening files and checkpoints wait for it.',
    whatToDo: 'Look at the disk of the journal, or at the NATS servers and their network.',
  },
  {
    name: 'TidemarkSmallFiles',
    severity: 'info',
    expr:
      'histogram_quantile(0.5, sum by (job, instance, le) ' +
      '(rate(tidemark_part_file_bytes_bucket[6h]))) < on (job, instance) (0.1 * tidemark_roll_max_bytes)',
    for: '1h',
    summary: 'Half of the files are smaller than a tenth of roll.maxBytes',
    means: 'Readers get many small files.',
    whatToDo:
      'Raise `roll.maxAge` and `roll.maxIdle`, or use fewer buckets. Files that are closed early for want ' +
      'of room are in `tidemark_forced_rolls_total`.',
  },
];

export function alertRules(): string {
  const rules = ALERTS.map(({ name, severity, expr, for: duration, summary, anchor }) => ({
    alert: name,
    expr,
    for: duration,
    labels: { severity },
    annotations: { summary, runbook_url: `${PAGES}#${anchor ?? name.toLowerCase()}` },
  }));
  const head =
    '# Alert rules for Prometheus. Made by `npm run generate` from scripts/alerts.ts; docs/metrics.md says ' +
    'how to use them.\n# Replace the address of runbook_url by that of your copy of docs/errors.md.\n';
  return head + stringify({ groups: [{ name: 'tidemark', rules }] }, { lineWidth: 0 });
}
