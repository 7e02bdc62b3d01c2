/** Files in the repository that are generated from the sources; a test fails if one is stale. */
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { jobJsonSchema } from '../src/app/jobFile/keys.ts';
import { alertRules } from './alerts.ts';
import { dashboard } from './dashboard.ts';
import { diagramsPage } from './generateDiagrams.ts';
import { errorsPage } from './generateErrors.ts';
import { metricsPage } from './generateMetrics.ts';

export interface Generator {
  /** Path from the top of the checkout. */
  readonly file: string;
  /** The full content that the file should have. */
  readonly generate: () => Promise<string>;
}

export const checkoutDir = path.resolve(import.meta.dirname, '..');

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
];

async function formatted(file: string, text: string): Promise<string> {
  const filepath = path.join(checkoutDir, file);
  return format(text, { ...(await resolveConfig(filepath)), filepath });
}
