/** What `tidemark doctor` checks of plain OSS: the endpoint, the bucket, and each call that a file takes. */
import { check, fail, pass, type Finding } from '../../../kernels/checks/check.ts';
import { TidemarkError } from '../../../journal/errors.ts';
import type { Clock } from '../../system/clock.ts';
import { endpointChecks } from '../alibaba/endpointChecks.ts';
import type { StoreProbe } from '../kind.ts';
import { OssClient, type OssClientOptions } from './client.ts';
import { contentOf } from './content.ts';
import { isRefusal, Refusal, Unanswered, unavailable } from './errors.ts';
import { Objects } from './objects.ts';
import { ObjectKeys } from './uri.ts';

export interface OssProbing extends Omit<OssClientOptions, 'pacer'> {
  readonly scratchUri: string;
  readonly clock: Clock;
  readonly onClose: () => void;
}

export function ossProbe({ scratchUri, clock, onClose, ...options }: OssProbing): StoreProbe {
  const { ossBucket, address } = options;
  const probe = new OssProbe({ ...options, pacer: clock }, scratchUri);
  return {
    checks: [
      ...endpointChecks('oss', { ossBucket, address, wallMs: () => clock.wallMs() }),
      check('oss-versioning', ['oss-endpoint'], () => probe.versioning()),
      check('oss-object', ['oss-endpoint', 'oss-versioning'], () => probe.object()),
      check('oss-upload', ['oss-endpoint', 'oss-versioning'], () => probe.upload()),
    ],
    opensAfter: ['oss-object', 'oss-upload'],
    isAway: (error) => isAway(error instanceof TidemarkError ? error.cause : error),
    removeScratch: () => probe.removeScratch(),
    close: async () => {
      probe.close();
      onClose();
      await Promise.resolve();
    },
  };
}

function isAway(error: unknown): boolean {
  return error instanceof Unanswered || (error instanceof Refusal && error.isTemporary);
}

class OssProbe {
  readonly #client: OssClient;
  readonly #objects: Objects;
  readonly #uri: string;
  readonly #prefix: string;
  #mayHaveMade = false;

  constructor(options: OssClientOptions, scratchUri: string) {
    this.#client = new OssClient(options);
    this.#objects = new Objects(this.#client, () => undefined);
    this.#uri = scratchUri;
    this.#prefix = new ObjectKeys(options.ossBucket).prefixOf(scratchUri);
  }

  /** With versioning, OSS ignores that an object must not be overwritten. */
  async versioning(): Promise<Finding> {
    const state = await this.#asked('look at the versioning of', () => this.#objects.versioning());
    return state === null
      ? pass('the bucket never had versioning')
      : fail(
          `the bucket has versioning (${state}), with which objects are overwritten`,
          'Choose a bucket that never had versioning: it can be suspended, and not removed.',
        );
  }

  /** Put, head, delete, and that a second put is refused. */
  async object(): Promise<Finding> {
    const [key, bytes] = [`${this.#prefix}.tidemark-object`, Buffer.from('tidemark doctor\n')];
    this.#mayHaveMade = true;
    return this.#asked('write an object in', async () => {
      await this.#objects.putNew(key, contentOf(bytes));
      const facts = await this.#objects.head(key);
      if (facts?.length !== bytes.length) return fail('an object reads back otherwise', 'Report this.');
      try {
        await this.#objects.putNew(key, contentOf(Buffer.from('another\n')));
        return fail(
          'an object was overwritten although that was forbidden',
          'Look at the versioning of the bucket: it must never have been on.',
        );
      } catch (error) {
        if (!isRefusal(error, 'FileAlreadyExists')) throw error;
      }
      await this.#objects.remove(key);
      return pass('an object was put, looked at and deleted; a second one of its name was refused');
    });
  }

  /** Begin, upload a part, list parts, complete; and abort another. */
  async upload(): Promise<Finding> {
    const [key, bytes] = [`${this.#prefix}.tidemark-upload`, Buffer.from('tidemark doctor\n')];
    this.#mayHaveMade = true;
    return this.#asked('upload in parts to', async () => {
      const uploadId = await this.#objects.beginUpload(key);
      const etag = await this.#objects.uploadPart(key, uploadId, 1, contentOf(bytes));
      const parts = await this.#objects.parts(key, uploadId);
      await this.#objects.complete(key, uploadId, [{ number: 1, etag, length: bytes.length }]);
      const other = await this.#objects.beginUpload(key);
      await this.#objects.abort(key, other);
      await this.#objects.remove(key);
      return parts.size === 1
        ? pass('an upload was begun, filled and completed, another one aborted')
        : fail(`one part was uploaded, and ${parts.size} were listed`, 'Report this.');
    });
  }

  /** Objects, and uploads that nobody completed: those are seen by nobody, but cost something. */
  async removeScratch(): Promise<void> {
    if (!this.#mayHaveMade) return;
    await this.#asked('remove what is below', async () => {
      for await (const key of this.#objects.keys(this.#prefix)) await this.#objects.remove(key);
      try {
        for await (const uploads of this.#objects.uploads(this.#prefix))
          for (const { key, uploadId } of uploads) await this.#objects.abort(key, uploadId);
      } catch (error) {
        // A job needs no right to list uploads, and only an interrupted check leaves any.
        if (!isRefusal(error, 'AccessDenied')) throw error;
      }
    });
  }

  close(): void {
    this.#client.close();
  }

  async #asked<T>(doing: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (cause) {
      throw unavailable(doing, this.#uri, cause);
    }
  }
}
