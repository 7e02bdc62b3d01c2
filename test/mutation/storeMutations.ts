/**
 * What is wrong about a destination: rules of the protocol that live in the adapters. The world has its own,
 * which keep the same conformance suite.
 */
import { patch, type Mutation } from './mutation.ts';

const FILE = 'sim/simStores/file.ts';
const OSS = 'sim/simStores/oss.ts';
const OSS_HDFS = 'sim/simStores/ossHdfs.ts';

export const STORE_MUTATIONS: readonly Mutation[] = [
  {
    name: 'a truncate is forgotten',
    store: 'oss-hdfs',
    patches: [patch(OSS_HDFS, `    await this.#cut(target, durable, toUri);\n`, ``)],
  },
  {
    name: 'a copy is made of the whole file, not of what is durable',
    store: 'file',
    patches: [patch(FILE, `[source.bytes.subarray(0, durable.length), tail]`, `[source.bytes, tail]`)],
  },
  {
    name: "a zombie's inode is published: the file is taken over by a link, not by a copy",
    store: 'file',
    patches: [
      patch(
        FILE,
        `      const made = disk.create(toUri, this.process);
      try {
        disk.write(made, 0, Buffer.concat([source.bytes.subarray(0, durable.length), tail]));
      } catch (error) {
        disk.unlink(toUri);
        throw error;
      }
      return made;`,
        `      disk.link(source, toUri);
      source.bytes = source.bytes.subarray(0, durable.length);
      return source;`,
      ),
    ],
  },
  {
    name: 'missing counts as committed',
    store: 'oss',
    patches: [patch(OSS, `if (bytes === null) return 'missing';`, `if (bytes === null) return 'done';`)],
  },
  {
    name: 'a final name that stands already is overwritten',
    store: 'file',
    patches: [
      patch(
        FILE,
        `if (final !== null) return 'published';`,
        `if (final !== null) {
      this.#disk.unlink(target.finalUri);
      this.#disk.link(found, target.finalUri);
      return 'published';
    }`,
      ),
    ],
  },
  {
    name: 'a link of a backup makes a file look published',
    store: 'file',
    foundAt: 456,
    patches: [
      patch(
        FILE,
        `final === null && found === publishing && found.names.size > 1`,
        `final === null && found.names.size > 1`,
      ),
    ],
  },
  {
    name: 'files are discarded by wildcard, not by their journaled names',
    store: 'oss',
    patches: [
      patch(
        OSS,
        `for (const uri of this.#bucket.list(temporaryUri)) this.#bucket.delete(uri);
      this.destination`,
        `for (const uri of this.#bucket.list(temporaryUri.slice(0, temporaryUri.lastIndexOf('-')))) this.#bucket.delete(uri);
      this.destination`,
      ),
    ],
  },
  {
    name: 'a checkpoint does not make the bytes durable',
    store: 'file',
    patches: [patch(FILE, `    this.#disk.syncData(this.#inode);\n`, ``)],
  },
  {
    name: "a checkpoint does not make the file's name durable",
    store: 'file',
    patches: [patch(FILE, `    this.#disk.syncFolderOf(this.#uri);\n`, ``)],
  },
  {
    name: 'a file is taken over without its lease',
    store: 'oss-hdfs',
    patches: [
      patch(
        OSS_HDFS,
        `const isTaken = (): boolean => this.#namespace.recoverLease(uri);`,
        `const isTaken = () => this.#namespace.isThere(uri);`,
      ),
    ],
  },
  {
    name: 'a settler removes the tail that only its own checkpoint will replace',
    store: 'oss',
    patches: [
      patch(
        OSS,
        `const etag = await this.#ask(target, 'store.finish', upload, true);`,
        `const etag = await this.#ask(target, 'store.finish', upload, true);
    await this.call('store.finish', () => this.#bucket.delete(tail.uri));`,
      ),
    ],
  },
  {
    name: 'a side object is removed before the checkpoint that replaces it is acknowledged',
    store: 'oss',
    patches: [
      patch(OSS, `(end) => end < length || (end === length && tail === null),`, `(end) => end <= length,`),
    ],
  },
  {
    name: 'the temporary name goes before the final one is durable',
    store: 'file',
    patches: [
      patch(
        FILE,
        `    await this.call(point, () => {
      this.#disk.syncFolderOf(finalUri);
    });\n`,
        ``,
      ),
    ],
  },
  {
    name: 'the tail of an upload takes the next part number, which its old owner may use, too',
    store: 'oss',
    schedule: 'an-upload-whose-old-owner-goes-on',
    patches: [
      patch(OSS, `uploadPart(uploadId, TAIL_PART, rest)`, `uploadPart(uploadId, parts.length + 1, rest)`),
      patch(OSS, `{ number: TAIL_PART, etag,`, `{ number: parts.length + 1, etag,`),
    ],
  },
];
