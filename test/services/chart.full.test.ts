/** The chart, judged by Helm; the manifests, judged by the schemas of Kubernetes. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { checkoutDir } from '../../scripts/services/common.ts';
import { ensureHelm, ensureKubernetesValidate } from '../../scripts/services/download.ts';
import { runCommand } from '../../scripts/services/processes.ts';

const CHART = 'deploy/helm/tidemark';
const KUBERNETES = '1.31';
const VALIDATE = `
import sys, yaml, kubernetes_validate
for document in yaml.safe_load_all(open(sys.argv[1])):
    try:
        print(document['kind'], kubernetes_validate.validate(document, '${KUBERNETES}', strict=True))
    except kubernetes_validate.SchemaNotFoundError:
        print(document['kind'], 'unknown')
`;

/** Helm leaves blanks at the ends of lines. */
const trimmed = (text: string): string => text.replaceAll(/[ ]+$/gm, '');

test.each(['sqlite', 'nats'])('ci/%s.yaml', { timeout: 1_800_000 }, async (name) => {
  const helm = await ensureHelm(() => undefined);
  const values = ['--values', `${CHART}/ci/${name}.yaml`];
  await runCommand(helm, ['lint', '--strict', CHART, ...values], { cwd: checkoutDir });
  const rendering = ['template', 'clicks', CHART, '--kube-version', `${KUBERNETES}.0`, ...values];
  const { stdout } = await runCommand(helm, rendering, { cwd: checkoutDir });
  const file = path.join(checkoutDir, 'deploy', 'kubernetes', `${name}.yaml`);
  const [, ...stored] = readFileSync(file, 'utf8').split('\n');
  expect(stored.join('\n')).toBe(trimmed(stdout));
  const pythonPath = await ensureKubernetesValidate(() => undefined);
  const env = { PYTHONPATH: pythonPath };
  const { stdout: judged } = await runCommand('python3', ['-c', VALIDATE, file], { env });
  const known = judged.split('\n').filter((line) => line.endsWith(KUBERNETES));
  expect(known.length).toBeGreaterThanOrEqual(5);
  const unknown = judged.split('\n').filter((line) => line.endsWith('unknown'));
  expect(unknown).toEqual(name === 'nats' ? ['PodMonitor unknown', 'PrometheusRule unknown'] : []);
});
