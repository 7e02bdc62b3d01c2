import { parseArgs } from 'node:util';
import { defaultStateDir, logToStderr, messageOf } from './services/common.ts';
import {
  type ManageOptions,
  type ServiceStatus,
  servicesStatus,
  startServices,
  stopServices,
} from './services/manage.ts';

const usage = `Usage: npm run services -- start | stop | status [--json]

A real Kafka and a real nats-server with JetStream on loopback, for the tests and for trying things out.

  start    Finds or starts both, returns once both answer and leaves them running. Prints two lines,
           KAFKA_BROKERS=host:port and NATS_URL=nats://host:port. Starting twice prints the same again.
           Already running ones named by these two variables are taken; else a container engine runs
           scripts/services/docker-compose.yml; else Maven and Go fetch the servers into .cache/services.
  stop     Stops what start has started and removes its data. The downloads stay.
  status   Says for each whether it runs, where, how it was started, and its version.

  --json           status: one JSON document
  --state-dir DIR  keep pids, ports, data and logs there, to run a second set beside the first
  --help           this text`;

class UsageError extends Error {}

type Arguments = {
  readonly verb: 'start' | 'stop' | 'status';
  readonly json: boolean;
  readonly stateDir: string;
};

function readArguments(args: readonly string[]): Arguments | 'help' {
  const { values, positionals } = parse(args);
  if (values.help) return 'help';
  const [verb, ...more] = positionals;
  if (verb === undefined) throw new UsageError('say what to do: start, stop or status');
  if (verb !== 'start' && verb !== 'stop' && verb !== 'status') {
    throw new UsageError(`unknown command '${verb}': start, stop or status`);
  }
  if (more.length > 0)
    throw new UsageError(`one command at a time, but after ${verb} comes '${more.join(' ')}'`);
  if (values.json && verb !== 'status') throw new UsageError(`--json belongs to status, not to ${verb}`);
  return { verb, json: values.json, stateDir: values['state-dir'] };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        'state-dir': { type: 'string', default: defaultStateDir },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

function describe(status: ServiceStatus): string {
  const name = status.service.padEnd(6);
  if (status.address === null) return `${name} not running`;
  const how = { env: 'named by its variable', container: 'a container', local: 'started here' };
  const origin = status.startedAs === null ? '' : `, ${how[status.startedAs]}`;
  if (!status.running) return `${name} not running  ${status.address}${origin}: ${status.problem ?? ''}`;
  return `${name} running  ${status.address}, version ${status.version ?? 'unknown'}${origin}`;
}

async function run({ verb, json }: Arguments, options: ManageOptions): Promise<void> {
  switch (verb) {
    case 'start': {
      const { kafkaBrokers, natsUrl } = await startServices(options);
      process.stdout.write(`KAFKA_BROKERS=${kafkaBrokers}\nNATS_URL=${natsUrl}\n`);
      return;
    }
    case 'stop': {
      const stopped = await stopServices(options);
      options.log(stopped.length > 0 ? `stopped: ${stopped.join(', ')}` : 'nothing was started here');
      return;
    }
    case 'status': {
      const services = await servicesStatus(options);
      const text = json ? JSON.stringify({ services }, undefined, 2) : services.map(describe).join('\n');
      process.stdout.write(`${text}\n`);
    }
  }
}

/** Resolves with the exit code: 0, 1 for a failure, 2 for wrong usage, 128 + n after a signal. */
async function main(): Promise<number> {
  const interrupt = new AbortController();
  let interruptedBy = 0;
  const onSignal = (code: number) => () => {
    interruptedBy = code;
    interrupt.abort(new Error('interrupted'));
  };
  process.on('SIGINT', onSignal(130)).on('SIGTERM', onSignal(143)).on('SIGHUP', onSignal(129));
  try {
    const args = readArguments(process.argv.slice(2));
    if (args === 'help') {
      process.stdout.write(`${usage}\n`);
      return 0;
    }
    const { stateDir } = args;
    await run(args, { stateDir, env: process.env, log: logToStderr, signal: interrupt.signal });
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      logToStderr(`${error.message}\n\n${usage}`);
      return 2;
    }
    if (interruptedBy > 0) {
      logToStderr('interrupted: what was being started is stopped again');
      return interruptedBy;
    }
    logToStderr(`services: ${messageOf(error)}`);
    return 1;
  }
}

process.exitCode = await main();
