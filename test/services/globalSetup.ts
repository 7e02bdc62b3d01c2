import { readFile } from 'node:fs/promises';
import type { TestProject } from 'vitest/node';
import { defaultStateDir, logToStderr, ServiceUnavailableError } from '../../scripts/services/common.ts';
import { missingTools } from '../../scripts/services/download.ts';
import { type StartedServices, startServices, stopServices } from '../../scripts/services/manage.ts';
import './provided.ts';

/**
 * Finds or starts the shared services once, if a test file of this run needs them. They are left running, for
 * the next run to find; with CI=true those that this run has started are stopped at its end.
 */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (!(await needsServices(project))) {
    project.provide('services', { type: 'unused' });
    return undefined;
  }
  const options = { stateDir: defaultStateDir, env: process.env, log: logToStderr };
  let services: StartedServices;
  try {
    services = await startServices(options);
  } catch (error) {
    // A server that starts but does not work is a failure. Only one that cannot be had is a reason to skip.
    if (!(error instanceof ServiceUnavailableError)) throw error;
    logToStderr(`the integration tests cannot run: ${error.message}`);
    project.provide('services', { type: 'unavailable', reason: firstLine(error.message) });
    return undefined;
  }
  const { kafkaBrokers, natsUrl, started } = services;
  project.provide('services', {
    type: 'running',
    kafkaBrokers,
    natsUrl,
    noOwnServers: missingTools() ?? null,
  });
  if (process.env['CI'] !== 'true' || started.length === 0) return undefined;
  return async () => {
    await stopServices(options);
  };
}

async function needsServices(project: TestProject): Promise<boolean> {
  // The names on the command line; private to vitest, and without them every test file counts.
  const { filenamePattern } = project.vitest as unknown as { filenamePattern?: string[] };
  const names = filenamePattern?.map((name) => name.replace(/:\d+$/, '')); // without the line of one test
  const { testFiles } = await project.globTestFiles(names);
  for (const file of testFiles) {
    if ((await readFile(file, 'utf8')).includes('describeIntegration(')) return true;
  }
  return false;
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? text;
}
