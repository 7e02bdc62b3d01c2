/** The loopback server that speaks OSS and OSS-HDFS, in its own process, and what a run costs there. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { checkoutDir } from '../../scripts/services/common.ts';
import type { BenchContext } from '../harness/context.ts';
import { BenchProcess, cpuSecondsOf, machineTicks } from '../harness/measuredProcess.ts';
import type { Contestant, Run } from '../harness/rounds.ts';
import { spreadOf } from '../harness/statistics.ts';

export const BUCKET = 'lake';
export const REGION = 'cn-test';
const SERVER = path.join(checkoutDir, 'servers/oss/main.ts');
/** What the server accepts by default. */
export const CREDENTIALS = { accessKeyId: 'test-id', accessKeySecret: 'test-secret' };

export class OssServer {
  readonly #process: BenchProcess;
  /** `127.0.0.1:port` */
  readonly address: string;
  /** For what its readers keep. */
  readonly folder: string;
  readonly #before = machineTicks();
  #runCpuSeconds = NaN;
  #machineShare = NaN;

  private constructor(process_: BenchProcess, address: string, folder: string) {
    this.#process = process_;
    this.address = address;
    this.folder = folder;
  }

  static async start(folder: string, signal: AbortSignal): Promise<OssServer> {
    mkdirSync(folder, { recursive: true });
    // Without the MD5 of each body: a slow stand-in would hide how fast its clients are.
    const options = [
      '--etag',
      'crc64',
      '--dir',
      path.join(folder, 'server'),
      '--bucket',
      BUCKET,
      '--region',
      REGION,
    ];
    const process_ = new BenchProcess(process.execPath, [SERVER, ...options], {
      what: 'the OSS server',
      signal,
    });
    const { line } = await process_.said((text) => text.startsWith('{"address"'));
    const { address } = JSON.parse(line) as { address: string };
    return new OssServer(process_, address, folder);
  }

  get endpoint(): string {
    return `http://${this.address}`;
  }

  /** What follows, such as reading the output, is no part of the run. */
  runIsOver(): void {
    this.#runCpuSeconds = cpuSecondsOf(this.#process.child.pid ?? 0);
    const { busy, all } = machineTicks();
    this.#machineShare = (busy - this.#before.busy) / (all - this.#before.all);
  }

  /** CPU seconds from its start until the run was over. */
  get runCpuSeconds(): number {
    return this.#runCpuSeconds;
  }

  /** Of all cores, how much was used meanwhile, by whatever process. */
  get machineShare(): number {
    return this.#machineShare;
  }

  async stop(): Promise<void> {
    await this.#process.killed();
  }
}

/** What the server took of each run. */
export class ServerCosts {
  readonly #shares: number[] = [];
  readonly #cpuSecondsPerGB: number[] = [];
  readonly #machineShares: number[] = [];

  add(server: OssServer, run: Run): void {
    this.#shares.push(server.runCpuSeconds / run.seconds);
    this.#cpuSecondsPerGB.push(server.runCpuSeconds / (run.bytes / 1e9));
    this.#machineShares.push(server.machineShare);
  }

  /** The median, of one core: 1 is a core that does nothing else. */
  get share(): number {
    return spreadOf(this.#shares).median;
  }

  text(of: string): string {
    const perGB = spreadOf(this.#cpuSecondsPerGB).median.toFixed(2);
    const machine = percent(spreadOf(this.#machineShares).median);
    return (
      `during ${of} the server took ${percent(this.share)} of one core, ${perGB} CPU s/GB, ` +
      `and all cores together were ${machine} busy`
    );
  }
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** Each run has its own server, so that nothing of an earlier run slows down a later one. */
export function onOwnServer(
  context: BenchContext,
  name: string,
  costs: ServerCosts,
  contestantOf: (server: OssServer) => Contestant,
): Contestant {
  return {
    name,
    run: async () => {
      const folder = path.join(context.runsFolder, `bench-oss-${randomBytes(4).toString('hex')}`);
      const server = await OssServer.start(folder, context.signal);
      try {
        const run = await contestantOf(server).run();
        costs.add(server, run);
        return run;
      } finally {
        await server.stop();
        if (!context.isKept) rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}
