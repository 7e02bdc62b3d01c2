/**
 * When the servers flush to their disks. A client is not told; the monitoring port tells it, if it is open
 * where nats-server has it by default.
 */
import { get } from 'node:http';
import { gravest, pass, warn, type Finding } from '../../kernels/checks/check.ts';

const MONITORING_PORT = 8222;
const ANSWER_MS = 2_000;
const ANSWER_BYTES_MAX = 1024 * 1024;
const MEND =
  'Set `jetstream { sync_interval: always }` on every server, as in examples/nats.conf: without it a power ' +
  'loss takes what was acknowledged in the last minutes.';

interface Varz {
  readonly jetstream?: {
    readonly config?: { readonly sync_always?: boolean; readonly sync_interval?: number };
  };
}

/** @param servers as in the job file. */
export async function syncFinding(servers: readonly string[], port = MONITORING_PORT): Promise<Finding> {
  const hosts = [...new Set(servers.map(hostOf))];
  const found = await Promise.all(hosts.map(async (host) => findingOf(host, await varzOf(host, port))));
  return gravest(found);
}

function hostOf(server: string): string {
  return new URL(server.includes('://') ? server : `nats://${server}`).hostname;
}

function findingOf(host: string, varz: Varz | null): Finding {
  const config = varz?.jetstream?.config;
  if (config === undefined)
    return warn(
      `when ${host} flushes to its disk is not visible here`,
      `Look at its configuration. ${MEND} Its monitoring port, ${MONITORING_PORT}, lets this be checked.`,
    );
  return config.sync_always === true
    ? pass(`${host} flushes before it acknowledges`)
    : warn(`${host} flushes every ${(config.sync_interval ?? 0) / 1e9} s`, MEND);
}

/** Null if nobody answers, or something else. */
async function varzOf(host: string, port: number): Promise<Varz | null> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const call = get(
    { host: host.replace(/^\[|\]$/g, ''), port, path: '/varz', timeout: ANSWER_MS },
    (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > ANSWER_BYTES_MAX) answer.destroy();
      });
      answer.on('close', () => resolve(text));
      answer.on('error', () => resolve(''));
    },
  );
  call.on('timeout', () => call.destroy());
  call.on('error', () => resolve(''));
  try {
    return JSON.parse(await promise) as Varz;
  } catch {
    // No JSON: nothing is visible.
    return null;
  }
}
