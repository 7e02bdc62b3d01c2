import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { kafkaVersion, type Log, messageOf, natsVersion, type ServiceName, serviceNames } from './common.ts';
import { allContainersDown, containerDown, containerUp, hasContainerEngine } from './container.ts';
import { launchKafka } from './kafka.ts';
import { withFreshPorts } from './launch.ts';
import { launchNats } from './nats.ts';
import { probeKafka, probeNats } from './probe.ts';
import { endProcess, freePort, isSameProcess } from './processes.ts';
import { readRecord, removeService, serviceDir, type ServiceRecord, withLock, writeRecord } from './state.ts';

export type ManageOptions = {
  readonly stateDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly signal?: AbortSignal;
};

export type StartedServices = {
  /** `host:port`, separated by commas if there are several. */
  readonly kafkaBrokers: string;
  /** `nats://host:port`. */
  readonly natsUrl: string;
  /** The services that this call has started. */
  readonly started: readonly ServiceName[];
};

export type ServiceStatus = {
  readonly service: ServiceName;
  readonly running: boolean;
  readonly address: string | null;
  readonly startedAs: 'env' | 'container' | 'local' | null;
  readonly version: string | null;
  /** Why a service that should be running is not. */
  readonly problem: string | null;
};

type Found = { readonly address: string; readonly started: boolean };

const variables: Readonly<Record<ServiceName, string>> = { kafka: 'KAFKA_BROKERS', nats: 'NATS_URL' };
const versions: Readonly<Record<ServiceName, string>> = { kafka: kafkaVersion, nats: natsVersion };
const titles: Readonly<Record<ServiceName, string>> = { kafka: 'Kafka', nats: 'nats-server' };
const stopGraceMs = 15_000;
const containerTimeoutMs = 120_000;
/** How long a running server may take to answer before it counts as hung: the machine may be busy. */
const answerTimeoutMs = 20_000;

/** Asks the service at that address; resolves with its version if it reports one. */
async function ask(service: ServiceName, address: string): Promise<string | null> {
  if (service === 'nats') return (await probeNats(address)).version;
  await Promise.any(address.split(',').map((broker) => probeKafka(broker.trim()))).catch((error: unknown) => {
    throw error instanceof AggregateError ? error.errors[0] : error;
  });
  return null;
}

async function askUntil(service: ServiceName, address: string, timeoutMs: number, signal?: AbortSignal) {
  for (const giveUpAt = Date.now() + timeoutMs; ;) {
    try {
      return await ask(service, address);
    } catch (error) {
      if (Date.now() >= giveUpAt) throw error;
      await delay(100, undefined, signal && { signal });
    }
  }
}

/**
 * Finds or starts both services. If one of them fails, the ones that this call has started are stopped again.
 */
export async function startServices(options: ManageOptions): Promise<StartedServices> {
  return withLock(options.stateDir, options.log, options.signal, async () => {
    const either = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, either.signal]) : either.signal;
    const results = await Promise.allSettled(
      serviceNames.map(async (service) => {
        try {
          return await findOrStart(service, { ...options, signal });
        } catch (error) {
          either.abort(error); // the other one need not continue
          throw error;
        }
      }),
    );
    const [kafka, nats] = results;
    if (kafka?.status === 'fulfilled' && nats?.status === 'fulfilled') {
      const started = serviceNames.filter((_, i) => [kafka, nats][i]?.value.started);
      return { kafkaBrokers: kafka.value.address, natsUrl: nats.value.address, started };
    }
    for (const [i, service] of serviceNames.entries()) {
      const result = results[i];
      if (result?.status === 'fulfilled' && result.value.started) await stopOne(service, options);
    }
    // The first failure; the other one was only aborted because of it.
    throw either.signal.reason;
  });
}

async function findOrStart(service: ServiceName, options: ManageOptions): Promise<Found> {
  const { stateDir, env, log } = options;
  const named = env[variables[service]];
  if (named) return findNamed(service, named);
  const record = readRecord(stateDir, service);
  if (record) {
    const outdated = record.how === 'local' && record.version !== versions[service];
    const problem = outdated
      ? `is version ${record.version}`
      : await whyUnusable(service, record, answerTimeoutMs);
    if (problem === undefined) return { address: record.address, started: false };
    log(`${titles[service]} at ${record.address} ${problem}: replacing it`);
    await stopOne(service, options);
  }
  if (await hasContainerEngine()) {
    try {
      return await startContainer(service, options);
    } catch (error) {
      await containerDown(service, log);
      removeService(stateDir, service);
      options.signal?.throwIfAborted();
      log(`no container for ${titles[service]}, so it is run without: ${messageOf(error)}`);
    }
  }
  return startLocal(service, options);
}

async function findNamed(service: ServiceName, address: string): Promise<Found> {
  try {
    await ask(service, address);
    return { address, started: false };
  } catch (error) {
    const variable = variables[service];
    throw new Error(
      `${variable}=${address} names a ${titles[service]} that does not answer (${messageOf(error)}). ` +
        `Start it, correct the variable, or unset it to have one started here.`,
      { cause: error },
    );
  }
}

/** Undefined if the recorded service runs and answers. */
async function whyUnusable(service: ServiceName, record: ServiceRecord, timeoutMs: number) {
  if (record.how === 'local' && !isSameProcess(record.pid, record.identity)) {
    return `no longer runs (process ${String(record.pid)} is gone)`;
  }
  try {
    await askUntil(service, record.address, timeoutMs);
    return undefined;
  } catch (error) {
    return `does not answer (${messageOf(error)})`;
  }
}

async function startContainer(service: ServiceName, options: ManageOptions): Promise<Found> {
  const { stateDir, log, signal } = options;
  // Recorded before it exists: after an interrupted start `stop` must still find it.
  writeRecord(stateDir, service, { how: 'container', address: '' });
  const bound = await containerUp(service, log, signal);
  const address = service === 'nats' ? `nats://${bound}` : bound;
  writeRecord(stateDir, service, { how: 'container', address });
  await askUntil(service, address, containerTimeoutMs, signal);
  return { address, started: true };
}

async function startLocal(service: ServiceName, options: ManageOptions): Promise<Found> {
  const { stateDir, log, signal } = options;
  const dir = serviceDir(stateDir, service);
  return withFreshPorts(async () => {
    removeService(stateDir, service);
    const port = await freePort();
    const address = service === 'nats' ? `nats://127.0.0.1:${String(port)}` : `127.0.0.1:${String(port)}`;
    const common = {
      ...{ dir, log, signal, detached: true },
      onSpawn: (process: { pid: number; identity: string }) =>
        writeRecord(stateDir, service, { how: 'local', address, version: versions[service], ...process }),
    };
    try {
      if (service === 'nats') await launchNats({ ...common, port });
      else await launchKafka({ ...common, ports: { broker: port, controller: await freePort() } });
    } catch (error) {
      // The log is in the message; the folder of a dead server would be mistaken for that of a live one.
      removeService(stateDir, service);
      throw error;
    }
    log(`${titles[service]} is up at ${address}, log in ${dir}`);
    return { address, started: true };
  });
}

/** Stops what `start` has started and removes its data. Services named by variables are left alone. */
export async function stopServices(options: ManageOptions): Promise<readonly ServiceName[]> {
  return withLock(options.stateDir, options.log, options.signal, async () => {
    const { stateDir, log } = options;
    const stopped = serviceNames.filter((service) => readRecord(stateDir, service));
    const inContainers = stopped.filter((service) => readRecord(stateDir, service)?.how === 'container');
    if (inContainers.length > 0) await allContainersDown(log);
    const others = stopped.filter((service) => !inContainers.includes(service));
    await Promise.all(others.map((service) => stopOne(service, options)));
    await rm(stateDir, { recursive: true, force: true });
    return stopped;
  });
}

async function stopOne(service: ServiceName, { stateDir, log }: ManageOptions): Promise<void> {
  const record = readRecord(stateDir, service);
  if (record?.how === 'local') await endProcess(record.pid, record.identity, stopGraceMs);
  if (record?.how === 'container') await containerDown(service, log);
  removeService(stateDir, service);
}

/** Reports what runs, without starting or changing anything. */
export async function servicesStatus(options: ManageOptions): Promise<readonly ServiceStatus[]> {
  return Promise.all(serviceNames.map((service) => statusOf(service, options)));
}

async function statusOf(service: ServiceName, { stateDir, env }: ManageOptions): Promise<ServiceStatus> {
  const named = env[variables[service]];
  const record = readRecord(stateDir, service);
  const address = named ? named : record?.address;
  if (address === undefined) {
    return { service, running: false, address: null, startedAs: null, version: null, problem: null };
  }
  // The variables may hold what `start` has printed.
  const own = record?.address === address ? record : undefined;
  const startedAs = own ? own.how : 'env';
  const problem = own
    ? await whyUnusable(service, own, 0)
    : await ask(service, address).then(() => undefined, messageOf);
  if (problem !== undefined) return { service, running: false, address, startedAs, version: null, problem };
  const told = await ask(service, address);
  const version = told ?? (own?.how === 'local' ? own.version : null);
  return { service, running: true, address, startedAs, version, problem: null };
}
