/** Files in the repository that are generated from the sources; a test fails if one is stale. */
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { jobJsonSchema } from '../src/app/jobFile/keys.ts';
import { alertRules } from './alerts.ts';
import { dashboard } from './dashboard.ts';
import { diagramsPage } from './generateDiagrams.ts';
import { errorsPage } from './generateErrors.ts';
import { helmValuesSchema } from './generateHelm.ts';
import { metricsPage } from './generateMetrics.ts';

export interface Generator {
  /** Path from the top of the checkout. */
  readonly file: string;
  /** The full content that the file should have. */
  readonly generate: () => Promise<string>;
}

export const checkoutDir = path.resolve(import.meta.dirname, '..');

const CHART = 'deploy/helm/tidemark';

export const generators: readonly Generator[] = [
  {
    file: 'schema/job.schema.json',
    generate: () => formatted('schema/job.schema.json', JSON.stringify(jobJsonSchema())),
  },
  { file: 'docs/states.md', generate: () => formatted('docs/states.md', diagramsPage()) },
  { file: 'docs/errors.md', generate: () => formatted('docs/errors.md', errorsPage()) },
  { file: 'docs/metrics.md', generate: () => formatted('docs/metrics.md', metricsPage()) },
  { file: 'examples/alerts.yml', generate: () => formatted('examples/alerts.yml', alertRules()) },
  {
    file: 'examples/grafana-dashboard.json',
    generate: () => formatted('examples/grafana-dashboard.json', dashboard()),
  },
  // Helm takes files of its chart only.
  { file: `${CHART}/files/alerts.yml`, generate: () => formatted(`${CHART}/files/alerts.yml`, alertRules()) },
  {
    file: `${CHART}/files/dashboard.json`,
    generate: () => formatted(`${CHART}/files/dashboard.json`, dashboard()),
  },
  {
    file: `${CHART}/values.schema.json`,
    generate: () => formatted(`${CHART}/values.schema.json`, JSON.stringify(helmValuesSchema())),
  },
];

async function formatted(file: string, text: string): Promise<string> {
  const filepath = path.join(checkoutDir, file);
  return format(text, { ...(await resolveConfig(filepath)), filepath });
}
