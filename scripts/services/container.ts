import path from 'node:path';
import { checkoutDir, type Log, type ServiceName } from './common.ts';
import { type CommandOutput, findCommand, runCommand, type RunOptions, succeeds } from './processes.ts';

const composeFile = path.join(checkoutDir, 'scripts', 'services', 'docker-compose.yml');
const containerPorts: Readonly<Record<ServiceName, number>> = { kafka: 9092, nats: 4222 };

// Not the folder's name, which a user's own `docker compose up` uses: `stop` must not remove those
// containers.
const compose = ['compose', '--project-name', 'tidemark-services', '--file', composeFile];

/** True only if an engine answers and has the compose plugin: `docker` alone is often installed. */
export async function hasContainerEngine(): Promise<boolean> {
  if (findCommand('docker') === undefined) return false;
  return (await succeeds('docker', ['info'])) && (await succeeds('docker', ['compose', 'version']));
}

let previous: Promise<unknown> = Promise.resolve();

/** Runs compose commands one at a time: two at once would both create the project's network. */
function runCompose(args: readonly string[], options: RunOptions): Promise<CommandOutput> {
  const result = previous.then(() => runCommand('docker', [...compose, ...args], options));
  previous = result.catch(() => undefined); // the caller handles it; the next command does not need it
  return result;
}

/** Creates and starts the container of a service; resolves with its `host:port`, before it answers. */
export async function containerUp(service: ServiceName, log: Log, signal?: AbortSignal): Promise<string> {
  await runCompose(['up', '--detach', '--no-deps', service], { onLine: log, signal });
  const { stdout } = await runCompose(['port', service, String(containerPorts[service])], { signal });
  return stdout.trim();
}

/** Removes the container of a service and its data. */
export async function containerDown(service: ServiceName, log: Log): Promise<void> {
  await runCompose(['rm', '--stop', '--force', '--volumes', service], { onLine: log });
}

/** Removes the containers of both services, their data and their network. */
export async function allContainersDown(log: Log): Promise<void> {
  await runCompose(['down', '--volumes'], { onLine: log });
}
