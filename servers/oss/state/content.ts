import { createHash, randomUUID, type Hash } from 'node:crypto';
import {
  linkSync,
  mkdirSync,
  openSync,
  closeSync,
  readdirSync,
  rmSync,
  writev,
  fdatasyncSync,
} from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { Crc64 } from '../../../kernels/crc64.ts';

/** One whole file of the data folder. It belongs to one object or upload part and never changes. */
export type Segment = { readonly file: string; readonly sizeBytes: number };

/** What is known of a body that has arrived. */
export type Received = {
  readonly segment: Segment;
  /** Unsigned, in decimal, as OSS writes it into headers. */
  readonly crc64: string;
  /** Hex, upper case. Without an MD5 the CRC-64, twice: of the data of OSS-HDFS nobody compares it. */
  readonly etag: string;
  readonly md5Base64: string | null;
};

const WRITE_BYTES = 1 << 20;
/** Beyond this size the sender has to wait for the disk. */
const BUFFERED_BYTES_MAX = 8 << 20;

/** The data folder. Each body is streamed into its own file; no object is ever held in memory. */
export class DataFolder {
  readonly #dir: string;
  readonly #sync: boolean;

  constructor(dir: string, options: { readonly sync: boolean }) {
    this.#dir = path.join(dir, 'data');
    this.#sync = options.sync;
    mkdirSync(this.#dir, { recursive: true });
  }

  pathOf(segment: Segment): string {
    return path.join(this.#dir, segment.file);
  }

  async receive(body: Readable, options: { readonly withMd5: boolean }): Promise<Received> {
    const file = randomUUID();
    const descriptor = openSync(path.join(this.#dir, file), 'wx');
    try {
      const arrival = new Arrival(descriptor, options.withMd5 ? createHash('md5') : null);
      await arrival.of(body);
      if (this.#sync) fdatasyncSync(descriptor);
      return arrival.received(file);
    } catch (error) {
      rmSync(path.join(this.#dir, file), { force: true });
      throw error;
    } finally {
      closeSync(descriptor);
    }
  }

  /** The same bytes under new names, for a copied object to own. */
  copy(segments: readonly Segment[]): Segment[] {
    return segments.map((segment) => {
      const file = randomUUID();
      linkSync(this.pathOf(segment), path.join(this.#dir, file));
      return { file, sizeBytes: segment.sizeBytes };
    });
  }

  /** A reader that has the file open can continue. */
  release(segments: readonly Segment[]): void {
    for (const segment of segments) rmSync(this.pathOf(segment), { force: true });
  }

  /** Removes files that belong to nothing: bodies that a crash cut off. */
  keepOnly(segments: Iterable<Segment>): void {
    const owned = new Set([...segments].map(({ file }) => file));
    for (const file of readdirSync(this.#dir)) {
      if (!owned.has(file)) rmSync(path.join(this.#dir, file), { force: true });
    }
  }
}

/** One body on its way into a file: hashed as it arrives, written in large pieces while more arrives. */
class Arrival {
  readonly #crc = new Crc64();
  #sizeBytes = 0;
  #chunks: Buffer[] = [];
  #chunkBytes = 0;
  #inFlight: Promise<void> | null = null;
  #failure: Error | null = null;
  readonly #descriptor: number;
  readonly #md5: Hash | null;

  constructor(descriptor: number, md5: Hash | null) {
    this.#descriptor = descriptor;
    this.#md5 = md5;
  }

  async of(body: Readable): Promise<void> {
    try {
      await this.#arrive(body);
      while (this.#inFlight !== null || this.#chunkBytes > 0) {
        if (this.#inFlight === null) this.#write(body);
        await this.#inFlight;
      }
    } finally {
      // The descriptor is closed next: a late write would land in whatever file reuses its number.
      await this.#inFlight;
    }
    if (this.#failure !== null) throw this.#failure;
  }

  received(file: string): Received {
    const crc = this.#crc.hex();
    const md5 = this.#md5?.digest() ?? null;
    return {
      segment: { file, sizeBytes: this.#sizeBytes },
      crc64: BigInt(`0x${crc}`).toString(),
      etag: (md5?.toString('hex') ?? `${crc}${crc}`).toUpperCase(),
      md5Base64: md5?.toString('base64') ?? null,
    };
  }

  async #arrive(body: Readable): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      body.on('data', (chunk: Buffer) => {
        this.#take(chunk);
        if (this.#chunkBytes < WRITE_BYTES) return;
        if (this.#inFlight === null) this.#write(body);
        else if (this.#chunkBytes > BUFFERED_BYTES_MAX) body.pause();
      });
      body.once('end', resolve);
      body.once('error', reject);
      body.once('close', () => reject(new Error('the body was cut off')));
    });
  }

  #take(chunk: Buffer): void {
    this.#crc.update(chunk);
    this.#md5?.update(chunk);
    this.#sizeBytes += chunk.length;
    this.#chunks.push(chunk);
    this.#chunkBytes += chunk.length;
  }

  #write(body: Readable): void {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#chunkBytes = 0;
    this.#inFlight = writeAll(this.#descriptor, chunks)
      .catch((error: unknown) => {
        this.#failure ??= error as Error;
      })
      .finally(() => {
        this.#inFlight = null;
        if (body.isPaused()) body.resume();
      });
  }
}

async function writeAll(descriptor: number, chunks: Buffer[]): Promise<void> {
  let left = chunks;
  while (left.length > 0) {
    const batch = left.slice(0, 512); // the kernel takes at most 1024 at once
    const written = await new Promise<number>((resolve, reject) => {
      writev(descriptor, batch, (error, bytes) => (error === null ? resolve(bytes) : reject(error)));
    });
    left = after(left, written);
  }
}

/** The chunks without their first `bytes` bytes. */
function after(chunks: readonly Buffer[], bytes: number): Buffer[] {
  let skip = bytes;
  let index = 0;
  while (index < chunks.length && skip >= chunks[index]!.length) skip -= chunks[index++]!.length;
  const rest = chunks.slice(index);
  if (skip > 0) rest[0] = rest[0]!.subarray(skip);
  return rest;
}
