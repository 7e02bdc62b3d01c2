/** docs/metrics.md: every metric, from the table that a service exposes. */
import { METRIC_GROUPS, type Metric } from '../src/http/metrics/table.ts';

const PREAMBLE = `# Metrics

A service answers \`GET /metrics\` in the text format of Prometheus ([http.md](http.md)). Nothing is counted per record: batches,
checkpoints, commits and calls add to numbers that are written when somebody asks. This page is made from
\`src/http/metrics/table.ts\` by \`npm run generate\`; a test fails when it is stale.

\`\`\`yaml
scrape_configs:
  - job_name: tidemark
    honor_labels: true # keeps the label job: the name of Tidemark's job
    static_configs: [{ targets: ['127.0.0.1:8787'] }]
rule_files: [alerts.yml]
\`\`\`

[examples/alerts.yml](../examples/alerts.yml) has alert rules, which lead to [errors.md](errors.md#alerts), and
[examples/grafana-dashboard.json](../examples/grafana-dashboard.json) a dashboard. Both take what they compare with
(\`roll.maxAge\`, \`checkpoint.interval\`, \`memory\`) from metrics, so that they fit every job.

- Every metric has the label \`job\`; \`topic\` and \`partition\` are there where it is of a partition. Buckets and files are never labels.
- Counters begin with the process. What is counted at checkpoints was journaled: the sum over all processes is what \`tidemark status\`
  says. A counter of a partition stays when the partition is given away; gauges go with it.
- Names end with their base unit: seconds, bytes. \`process_*\` have the names that they have everywhere.
- \`tidemark_unpublished_age_seconds\` goes by when records were read, not by their timestamps: reading a topic of last week is no alarm.
  Records that are not read yet are the lag. It goes on across restarts, since the journal knows when a file was opened.
- The offsets that the consumer group has committed are journaled, not published.
`;

export function metricsPage(): string {
  const groups = Object.entries(METRIC_GROUPS).flatMap(([title, metrics]) => [
    ...[`## ${title}`, '', '| metric | type | labels | meaning |', '|---|---|---|---|'],
    ...Object.entries(metrics).map(([name, metric]) => rowOf(name, metric)),
    '',
  ]);
  return [PREAMBLE, ...groups].join('\n');
}

function rowOf(name: string, { type, labels, help }: Metric): string {
  const shown = labels.map((label) => `\`${label}\``).join(', ');
  return `| \`${name}\` | ${type} | ${shown} | ${help.replaceAll('|', '\\|')} |`;
}
