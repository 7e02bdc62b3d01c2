/** The loopback server that speaks OSS-HDFS, in its own process, and what Tidemark wrote to it. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fetchJindosdk } from '../../scripts/jindosdk/fetch.ts';
import { checkoutDir } from '../../scripts/services/common.ts';
import { findCommand, runCommand } from '../../scripts/services/processes.ts';
import { digestFolder, type FolderDigest } from '../harness/lineDigest.ts';
import { BenchProcess, cpuSecondsOf } from '../harness/measuredProcess.ts';

const BUCKET = 'lake';
const SERVER = path.join(checkoutDir, 'servers/oss/main.ts');
/** What the server accepts by default. */
const CREDENTIALS = { accessKeyId: 'test-id', accessKeySecret: 'test-secret' };

export class OssServer {
  readonly #process: BenchProcess;
  readonly #address: string;
  readonly #folder: string;
  readonly #pythonPath: string;

  private constructor(process_: BenchProcess, address: string, folder: string, pythonPath: string) {
    this.#process = process_;
    this.#address = address;
    this.#folder = folder;
    this.#pythonPath = pythonPath;
  }

  /** Rejects without JindoSDK: Tidemark writes and the bench reads through it. */
  static async start(folder: string, log: (line: string) => void, signal: AbortSignal): Promise<OssServer> {
    const { pythonPath } = await fetchJindosdk(log, { signal });
    if (findCommand('python3') === undefined)
      throw new Error(
        "not on the PATH: python3, which reads back what was written through JindoSDK's own interface",
      );
    mkdirSync(folder, { recursive: true });
    const args = [SERVER, '--dir', path.join(folder, 'server'), '--bucket', BUCKET];
    const process_ = new BenchProcess(process.execPath, args, { what: 'the OSS server', signal });
    const { line } = await process_.said((text) => text.startsWith('{"address"'));
    const { address } = JSON.parse(line) as { address: string };
    return new OssServer(process_, address, folder, pythonPath);
  }

  /** The `sink` of a job that writes below that name. */
  sinkOf(name: string): Record<string, unknown> {
    return {
      path: `oss://${BUCKET}.cn-test.oss-dls.aliyuncs.com/${name}`,
      endpoint: `http://${this.#address}`,
      credentials: CREDENTIALS,
    };
  }

  /**
   * Digest of the files below that name. JindoSDK's Python interface fetches them into a folder of that name.
   */
  async digestOf(name: string, into: string): Promise<FolderDigest> {
    const script = path.join(import.meta.dirname, 'fetchFolder.py');
    mkdirSync(into, { recursive: true });
    const { accessKeyId, accessKeySecret } = CREDENTIALS;
    const args = [
      script,
      this.#address,
      `oss://${BUCKET}/`,
      name,
      into,
      this.#folder,
      accessKeyId,
      accessKeySecret,
    ];
    await runCommand('python3', args, { env: { PYTHONPATH: this.#pythonPath } });
    return digestFolder(into);
  }

  /** CPU seconds since its start. */
  cpuSeconds(): number {
    return cpuSecondsOf(this.#process.child.pid ?? 0);
  }

  async stop(): Promise<void> {
    await this.#process.killed();
  }
}
