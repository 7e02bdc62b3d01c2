import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Log, natsVersion } from './common.ts';
import { ensureNatsServer } from './download.ts';
import { type Launched, launch, type Spawned } from './launch.ts';
import { type NatsAnswer, probeNats } from './probe.ts';

export type NatsLaunch = {
  /** Contains everything of this server: configuration, JetStream's store and log. */
  readonly dir: string;
  readonly port: number;
  readonly detached: boolean;
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
  /** When written entries are synced to the disk; always unless named. */
  readonly syncInterval?: 'always' | '2m';
  /** More lines for the server's configuration file, such as `max_payload: 64KB`. */
  readonly config?: string;
  /** More lines for its `jetstream` block, such as `max_file_store: 1MB`. */
  readonly jetstreamConfig?: string;
  /** The server's name in a cluster; derived from its folder and port if not given. */
  readonly serverName?: string;
  /** Called with the process as soon as it exists, before it answers. */
  readonly onSpawn?: (spawned: Spawned) => void;
};

function serverConfig(options: NatsLaunch, serverName: string): string {
  return `server_name: "${serverName}"
listen: "127.0.0.1:${String(options.port)}"
jetstream {
  store_dir: ${JSON.stringify(path.join(options.dir, 'data'))}
  # always: an acknowledged write is on disk. The server's own default is every two minutes.
  sync_interval: ${options.syncInterval ?? 'always'}
  ${options.jetstreamConfig ?? ''}
}
${options.config ?? ''}
`;
}

/** Starts a nats-server with JetStream on loopback; resolves when its JetStream answers. */
export async function launchNats(options: NatsLaunch): Promise<Launched<NatsAnswer>> {
  const { dir, port, detached, log, signal } = options;
  const command = await ensureNatsServer(log, signal);
  await mkdir(dir, { recursive: true });
  const configFile = path.join(dir, 'nats.conf');
  // The same name at every launch, so that a relaunch is a restart of the same server.
  const digest = createHash('sha256')
    .update(`${dir}:${String(port)}`)
    .digest('hex');
  const serverName = options.serverName ?? `tidemark-${digest.slice(0, 16)}`;
  await writeFile(configFile, serverConfig(options, serverName));
  const url = `nats://127.0.0.1:${String(port)}`;
  return launch({
    what: `nats-server ${natsVersion} on ${url}`,
    command,
    args: ['--config', configFile],
    logFile: path.join(dir, 'nats.log'),
    detached,
    probe: async () => {
      const answer = await probeNats(url);
      if (answer.serverName !== serverName) throw new Error(`another server answers on ${url}`);
      return answer;
    },
    timeoutMs: 30_000,
    pollMs: 20,
    signal,
    onSpawn: options.onSpawn,
  });
}
