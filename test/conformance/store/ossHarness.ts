/** The real OSS store against the loopback server, each harness in a folder of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import AliOss from 'ali-oss';
import { Secret } from '../../../kernels/schema/secret.ts';
import { OssServer } from '../../../servers/oss/server.ts';
import { openOssStore, type OssStoreOptions } from '../../../src/stores/oss/store.ts';
import type { Store } from '../../../src/stores/port.ts';
import { impatient } from './localHarness.ts';
import type { StoreHarness } from './scene.ts';

const OSS_BUCKET = 'lake';
const KEYS_MAX = 1_000;
const hiddenToReaders = (name: string): boolean => name.split('/').some((segment) => /^[._]/.test(segment));
const isMarker = (name: string): boolean => /^\.tidemark\/([a-z0-9-]+$|_witness\/)/.test(name);

/** A server, and a client that is not ours, for a file of tests. */
export class OssPlace {
  readonly server: OssServer;
  readonly #folder: string;
  readonly #client: AliOss;
  #harnesses = 0;

  private constructor(server: OssServer, folder: string) {
    this.server = server;
    this.#folder = folder;
    this.#client = new AliOss({
      ...{ accessKeyId: 'test-id', accessKeySecret: 'test-secret', bucket: OSS_BUCKET, region: 'cn-test' },
      ...{ endpoint: `http://localhost:${server.address.split(':')[1] ?? ''}`, sldEnable: true },
      ...{ secure: false, authorizationV4: true },
    });
  }

  static async open(): Promise<OssPlace> {
    const folder = await mkdtemp(path.join(tmpdir(), 'tidemark-oss-'));
    const server = await OssServer.start({ dir: path.join(folder, 'server'), buckets: [OSS_BUCKET] });
    return new OssPlace(server, folder);
  }

  newStore(options: Partial<OssStoreOptions> = {}): Store {
    const [host = '', port] = this.server.address.split(':');
    const credentials = {
      ...{ accessKeyId: new Secret('test-id'), accessKeySecret: new Secret('test-secret') },
      securityToken: null,
    };
    return openOssStore({
      ...{ ossBucket: OSS_BUCKET, region: 'cn-test', pacer: impatient, uploadPartBytes: 256 * 1024 },
      address: { host, port: Number(port), https: false, pathStyle: true },
      keys: () => Promise.resolve(credentials),
      ...options,
    });
  }

  harness(options: Partial<OssStoreOptions> = {}): StoreHarness {
    this.#harnesses += 1;
    const folder = `t${this.#harnesses}`;
    const sinkUri = `oss://${OSS_BUCKET}/${folder}`;
    const keyOf = (uri: string): string => uri.slice(`oss://${OSS_BUCKET}/`.length);
    const stores: Store[] = [];
    const names = async () => (await this.#keys(`${folder}/`)).map((key) => key.slice(folder.length + 1));
    return {
      sinkUri,
      newStore: () => {
        const store = this.newStore(options);
        stores.push(store);
        return store;
      },
      readers: async () => {
        const seen = new Map<string, Buffer>();
        for (const name of await names()) {
          if (hiddenToReaders(name)) continue;
          const { content } = (await this.#client.get(`${folder}/${name}`)) as { content: Buffer };
          seen.set(name, content);
        }
        return seen;
      },
      leftovers: async () => {
        const objects = (await names()).filter((name) => hiddenToReaders(name) && !isMarker(name));
        return [...objects, ...(await this.#uploads(`${folder}/`))];
      },
      put: async (uri, bytes) => {
        await this.#client.put(keyOf(uri), Buffer.from(bytes));
      },
      remove: async (uri) => {
        await this.#client.delete(keyOf(uri));
      },
      dispose: async () => {
        for (const store of stores) await store.close();
      },
    };
  }

  async close(): Promise<void> {
    await this.server.stop();
    await rm(this.#folder, { recursive: true });
  }

  async #keys(prefix: string): Promise<string[]> {
    const keys: string[] = [];
    let token: string | undefined;
    do {
      const query = {
        ...{ prefix, 'max-keys': String(KEYS_MAX) },
        ...(token === undefined ? {} : { 'continuation-token': token }),
      };
      const page = await (this.#client as unknown as ListingClient).listV2(query, {});
      keys.push(...(page.objects ?? []).map(({ name }) => name));
      token = page.isTruncated ? page.nextContinuationToken : undefined;
    } while (token !== undefined);
    return keys;
  }

  /** Those that hold something: of one without a part, nobody may know the id, and it costs nothing. */
  async #uploads(prefix: string): Promise<string[]> {
    const { uploads }: { uploads?: unknown } = await this.#client.listUploads(
      { prefix, 'max-uploads': KEYS_MAX },
      {},
    );
    const found: string[] = [];
    for (const { name, uploadId } of (uploads ?? []) as { name: string; uploadId: string }[]) {
      const query = { 'max-parts': 1 } as AliOss.ListPartsQuery;
      const { parts }: { parts?: unknown } = await this.#client.listParts(name, uploadId, query, {});
      if ((parts as unknown[] | undefined)?.length !== 0) found.push(`${name} (upload ${uploadId})`);
    }
    return found;
  }
}

/** What the package has, and its types lack. */
interface ListingClient {
  listV2(
    query: Readonly<Record<string, string>>,
    options: object,
  ): Promise<{
    readonly objects?: readonly { readonly name: string }[];
    readonly isTruncated: boolean;
    readonly nextContinuationToken?: string;
  }>;
}
