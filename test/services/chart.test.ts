/** The Helm chart and the manifests that were made from it, as far as they can be checked without Helm. */
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { checkoutDir } from '../../scripts/services/common.ts';
import { loadJobConfig } from '../../src/app/jobFile/loadJobConfig.ts';

const CHART = 'deploy/helm/tidemark';
const textOf = (file: string): string => readFileSync(path.join(checkoutDir, file), 'utf8');

interface Container {
  readonly args: readonly string[];
  readonly livenessProbe: object;
  readonly readinessProbe: object;
  readonly securityContext: object;
}

interface Manifest {
  readonly kind: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly replicas?: number;
    readonly template: {
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly Container[];
      };
    };
  };
}

/** As RRSA sets them in a pod. */
const OIDC = {
  ALIBABA_CLOUD_ROLE_ARN: 'acs:ram::1234:role/tidemark',
  ALIBABA_CLOUD_OIDC_PROVIDER_ARN: 'acs:ram::1234:oidc-provider/ack',
  ALIBABA_CLOUD_OIDC_TOKEN_FILE: path.join(checkoutDir, 'package.json'),
};

describe.each(['sqlite', 'nats'])('deploy/kubernetes/%s.yaml', (name) => {
  const manifests = parseAllDocuments(textOf(`deploy/kubernetes/${name}.yaml`)).map(
    (document) => document.toJS() as Manifest,
  );
  const workload = manifests.find(({ kind }) => kind === (name === 'nats' ? 'Deployment' : 'StatefulSet'));
  const [container] = workload?.spec.template.spec.containers ?? [];
  const jobText = manifests.find(({ data }) => data?.['job.yaml'] !== undefined)?.data?.['job.yaml'] ?? '';

  test('has a job file that the command takes, which ends before the kubelet kills', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-chart-'));
    onTestFinished(() => {
      rmSync(folder, { recursive: true });
    });
    const file = path.join(folder, 'job.yaml');
    writeFileSync(file, jobText);
    const { shutdown } = loadJobConfig({ path: file, overrides: [], env: OIDC, cwd: folder });
    const graceMs = (workload?.spec.template.spec.terminationGracePeriodSeconds ?? 0) * 1_000;
    expect(graceMs).toBeGreaterThan(shutdown.timeoutMs);
    expect(container?.args).toEqual(['run', '/var/lib/tidemark/job.yaml']);
  });

  test('runs as somebody who may write nothing but its volumes, and is asked how it is', () => {
    expect(container).toMatchObject({
      livenessProbe: { httpGet: { path: '/livez' } },
      readinessProbe: { httpGet: { path: '/readyz' } },
      securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false },
    });
    expect(workload?.spec.template.spec).toMatchObject({ securityContext: { runAsNonRoot: true } });
    expect(workload?.spec.replicas).toBe(name === 'nats' ? 3 : 1);
  });
});

describe('the chart', () => {
  const values = parse(textOf(`${CHART}/values.yaml`)) as Record<string, unknown>;

  test('has the version of the package', () => {
    const { version } = JSON.parse(textOf('package.json')) as { readonly version: string };
    expect(parse(textOf(`${CHART}/Chart.yaml`))).toMatchObject({ version, appVersion: version });
  });

  test('has a value for whatever its templates name, and names each', () => {
    const templates = globSync(`${CHART}/templates/*`, { cwd: checkoutDir }).map(textOf).join('');
    const named = new Set([...templates.matchAll(/\.Values\.(\w+)/g)].map(([, key = '']) => key));
    expect([...named].toSorted()).toEqual(Object.keys(values).toSorted());
  });
});
