/** The real OSS-HDFS store against the loopback server, each harness in a folder of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Secret } from '../../../kernels/schema/secret.ts';
import { openOssHdfsStore, type OssHdfsStoreOptions } from '../../../src/stores/ossHdfs/store.ts';
import { jindoSettings, type JindoAddress } from '../../../src/stores/ossHdfs/settings.ts';
import type { Store } from '../../../src/stores/port.ts';
import { silentLog } from '../../../src/telemetry/log.ts';
import { OssServerProcess } from '../../../servers/oss/process.ts';
import { JindoReader } from './jindoReader.ts';
import { impatient } from './localHarness.ts';
import type { StoreHarness } from './scene.ts';

/** That the server has made. */
const OSS_BUCKET = 'lake';
const hiddenToReaders = (name: string): boolean => name.split('/').some((segment) => /^[._]/.test(segment));
const isMarker = (name: string): boolean => /^\.tidemark\/([a-z0-9-]+$|_witness\/)/.test(name);

/** A server and the independent reader are started once for a file of tests. */
export class OssHdfsPlace {
  readonly server: OssServerProcess;
  readonly reader: JindoReader;
  readonly #folder: string;
  readonly #base: Store;
  #harnesses = 0;

  private constructor(server: OssServerProcess, reader: JindoReader, folder: string, base: Store) {
    this.server = server;
    this.reader = reader;
    this.#folder = folder;
    this.#base = base;
  }

  /** @param options of the server's main.ts. */
  static async open(library: string, ...options: readonly string[]): Promise<OssHdfsPlace> {
    const folder = await mkdtemp(path.join(tmpdir(), 'tidemark-oss-'));
    const server = await OssServerProcess.start(path.join(folder, 'server'), ...options);
    const address = addressOf(server, folder);
    const reader = await JindoReader.open(library, `oss://${OSS_BUCKET}/`, jindoSettings(address, folder));
    const base = await openOssHdfsStore({
      ...address,
      library,
      callsMax: 3,
      log: silentLog,
      pacer: impatient,
    });
    return new OssHdfsPlace(server, reader, folder, base);
  }

  harness(): StoreHarness {
    this.#harnesses += 1;
    const sinkUri = `oss://${OSS_BUCKET}/t${this.#harnesses}`;
    const { reader } = this;
    const stores: Store[] = [];
    return {
      sinkUri,
      newStore: () => {
        const store = this.#base.session();
        stores.push(store);
        return store;
      },
      readers: async () => {
        const seen = new Map<string, Buffer>();
        for (const { path: name, length } of await reader.list(sinkUri)) {
          if (!hiddenToReaders(name)) seen.set(name, await reader.read(`${sinkUri}/${name}`, length));
        }
        return seen;
      },
      leftovers: async () => {
        const files = (await reader.list(sinkUri)).map(({ path: name }) => name);
        return files.filter((name) => hiddenToReaders(name) && !isMarker(name));
      },
      put: (uri, bytes) => reader.put(uri, bytes),
      remove: (uri) => reader.remove(uri),
      dispose: async () => {
        for (const store of stores) await store.close();
      },
    };
  }

  async close(): Promise<void> {
    await this.#base.close();
    await this.reader.close();
    await this.server.kill();
    await rm(this.#folder, { recursive: true });
  }
}

function addressOf(
  server: OssServerProcess,
  folder: string,
): JindoAddress & Pick<OssHdfsStoreOptions, 'credentials'> {
  const [host = '', port] = server.address.split(':');
  return {
    ossBucket: OSS_BUCKET,
    region: 'cn-test',
    address: { host, port: Number(port), https: false, pathStyle: true },
    credentials: {
      accessKeyId: new Secret('test-id'),
      accessKeySecret: new Secret('test-secret'),
      securityToken: null,
    },
    logFolder: path.join(folder, 'jindosdk'),
  };
}
