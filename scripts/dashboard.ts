/** examples/grafana-dashboard.json: a dashboard for Grafana, over the metrics of a service. */

interface Panel {
  readonly title: string;
  /** Of Grafana. */
  readonly unit: string;
  readonly queries: readonly (readonly [legend: string, expr: string])[];
  readonly type?: 'timeseries' | 'stat' | 'table';
}

const PICKED = '{job=~"$job",instance=~"$instance"}';
const rate = (metric: string): string => `rate(${metric}${PICKED}[$__rate_interval])`;
const quantile = (share: number, metric: string, by = 'le'): string =>
  `histogram_quantile(${share}, sum by (${by}) (${rate(`${metric}_bucket`)}))`;

const PANELS: readonly Panel[] = [
  panel(
    'Stopped partitions',
    'none',
    [['', `count(tidemark_partition_stopped${PICKED}) or vector(0)`]],
    'stat',
  ),
  panel('Oldest unpublished record', 's', [['', `max(tidemark_unpublished_age_seconds${PICKED})`]], 'stat'),
  panel('Lag', 'none', [['', `sum(tidemark_lag_records${PICKED})`]], 'stat'),
  panel('Partitions by state', 'none', [['{{state}}', `sum by (state) (tidemark_partition_state${PICKED})`]]),
  panel('Records read per second', 'none', [
    ['{{topic}}', `sum by (topic) (${rate('tidemark_records_read_total')})`],
  ]),
  panel('Bytes read per second', 'Bps', [
    ['{{topic}}', `sum by (topic) (${rate('tidemark_bytes_read_total')})`],
  ]),
  panel('Lag by topic', 'none', [['{{topic}}', `sum by (topic) (tidemark_lag_records${PICKED})`]]),
  panel('Unpublished age by topic', 's', [
    ['{{topic}}', `max by (topic) (tidemark_unpublished_age_seconds${PICKED})`],
  ]),
  panel('Skipped and bad records per second', 'none', [
    ['skipped: {{reason}}', `sum by (reason) (${rate('tidemark_records_skipped_total')})`],
    ['bad: {{reason}}', `sum by (reason) (${rate('tidemark_bad_records_total')})`],
  ]),
  panel('Part files', 'none', [['{{state}}', `sum by (state) (tidemark_part_files${PICKED})`]]),
  panel('Committed files per second, by why they were closed', 'none', [
    ['{{roll_reason}}', `sum by (roll_reason) (${rate('tidemark_part_files_committed_total')})`],
  ]),
  panel('Size of committed files', 'bytes', [
    ['median', quantile(0.5, 'tidemark_part_file_bytes')],
    ['p95', quantile(0.95, 'tidemark_part_file_bytes')],
  ]),
  panel('Checkpoint, publish, append (p99)', 's', [
    ['checkpoint', quantile(0.99, 'tidemark_checkpoint_seconds')],
    ['publish', quantile(0.99, 'tidemark_publish_seconds')],
    ['append to the journal', quantile(0.99, 'tidemark_journal_append_seconds')],
  ]),
  panel('Calls to the destination (p99)', 's', [
    ['{{operation}}', quantile(0.99, 'tidemark_store_request_seconds', 'operation, le')],
  ]),
  panel('Rebalances, claims, fenced epochs', 'none', [
    ['rebalances', `sum(increase(tidemark_rebalances_total${PICKED}[$__rate_interval]))`],
    ['claims', `sum(increase(tidemark_claims_total${PICKED}[$__rate_interval]))`],
    ['fenced', `sum(increase(tidemark_fenced_total${PICKED}[$__rate_interval]))`],
  ]),
  panel('Dependencies', 'none', [
    ['{{dependency}}', `min by (dependency) (tidemark_dependency_up${PICKED})`],
  ]),
  panel('Memory', 'bytes', [
    ['resident {{instance}}', `process_resident_memory_bytes${PICKED}`],
    ['ceiling {{instance}}', `tidemark_memory_ceiling_bytes${PICKED}`],
    ['{{use}} {{instance}}', `tidemark_memory_bytes${PICKED}`],
  ]),
  panel('Event loop and cores', 'percentunit', [
    ['event loop {{instance}}', rate('tidemark_event_loop_active_seconds_total')],
    ['cores {{instance}}', rate('process_cpu_seconds_total')],
  ]),
  panel('Files closed early', 'none', [
    ['{{cause}}', `sum by (cause) (${rate('tidemark_forced_rolls_total')})`],
  ]),
];

function panel(
  title: string,
  unit: string,
  queries: Panel['queries'],
  type: NonNullable<Panel['type']> = 'timeseries',
): Panel {
  return { title, unit, queries, type };
}

const SOURCE = { type: 'prometheus', uid: '${datasource}' };
const COLUMNS = 3;
const SIZE = { w: 8, h: 8 };

export function dashboard(): string {
  const panels = PANELS.map(({ title, unit, queries, type }, index) => ({
    ...{ id: index + 1, title, type, datasource: SOURCE },
    gridPos: { ...SIZE, x: (index % COLUMNS) * SIZE.w, y: Math.floor(index / COLUMNS) * SIZE.h },
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    targets: queries.map(([legendFormat, expr], at) => ({
      ...{ refId: String.fromCharCode(65 + at), datasource: SOURCE, expr, legendFormat },
    })),
  }));
  const variable = (name: string, query: string) => ({
    ...{ name, label: name, type: 'query', datasource: SOURCE, query: { query, refId: name } },
    ...{
      definition: query,
      multi: true,
      includeAll: true,
      refresh: 2,
      current: { text: 'All', value: '$__all' },
    },
  });
  return JSON.stringify({
    ...{ title: 'Tidemark', uid: 'tidemark', tags: ['tidemark'], timezone: 'browser', schemaVersion: 39 },
    ...{ refresh: '30s', time: { from: 'now-6h', to: 'now' }, editable: true },
    templating: {
      list: [
        { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
        variable('job', 'label_values(tidemark_build_info, job)'),
        variable('instance', 'label_values(tidemark_build_info{job=~"$job"}, instance)'),
      ],
    },
    panels,
  });
}
