/** Files in the scratch folder of a check, written as a job writes them. */
import { Crc64 } from '../../../kernels/crc64.ts';
import type { DurablePart, OpenFile, PartTarget, Store, StoreHandle } from '../port.ts';

export interface WrittenFile {
  readonly target: PartTarget;
  readonly durable: DurablePart;
  readonly startHandle: StoreHandle;
}

export class Scratch {
  readonly uri: string;
  readonly #open: () => Promise<Store>;
  readonly #draw: () => string;
  #store: Promise<Store> | null = null;
  readonly #sessions: Store[] = [];

  /** @param draw random letters and digits: a new name. */
  constructor(uri: string, open: () => Promise<Store>, draw: () => string) {
    this.uri = uri;
    this.#open = open;
    this.#draw = draw;
  }

  /** The store that all checks share; opened by the first. */
  store(): Promise<Store> {
    return (this.#store ??= this.#open());
  }

  /** The store as one more claim uses it. */
  async session(): Promise<Store> {
    const session = (await this.store()).session();
    this.#sessions.push(session);
    return session;
  }

  target(name: string): PartTarget {
    return { partId: name, finalUri: `${this.uri}/${name}`, temporaryUri: this.newTemporaryUri() };
  }

  newTemporaryUri(): string {
    return `${this.uri}/.tidemark-${this.#draw()}`;
  }

  async close(): Promise<void> {
    const store = await this.#store?.catch(() => null);
    for (const session of this.#sessions) if (session !== store) await session.close();
    await store?.close();
    this.#store = null;
    this.#sessions.length = 0;
  }
}

/** `bytes` bytes that `seed` tells from those of others. */
export function contentOf(seed: string, bytes: number): Buffer {
  return Buffer.alloc(bytes, `${seed} of tidemark doctor\n`);
}

export function durableOf(bytes: Uint8Array, handle: StoreHandle): DurablePart {
  const crc = new Crc64();
  crc.update(bytes);
  return { length: bytes.length, crc64: crc.hex(), handle };
}

/** Writes all of it and makes it durable, as a checkpoint does. The file stays open. */
export async function checkpointed(file: OpenFile, bytes: Uint8Array): Promise<DurablePart> {
  await file.write(bytes);
  const durable = durableOf(bytes, await file.persist());
  file.checkpointed?.(durable.handle);
  return durable;
}

/** A closed file under its temporary name: written in two halves, with a checkpoint in between. */
export async function closedFile(store: Store, target: PartTarget, bytes: Uint8Array): Promise<WrittenFile> {
  const file = await store.create(target);
  try {
    const half = Math.floor(bytes.length / 2);
    await checkpointed(file, bytes.subarray(0, half));
    await file.write(bytes.subarray(half));
    const durable = durableOf(bytes, await file.closeForCommit());
    return { target, durable, startHandle: file.startHandle ?? null };
  } finally {
    await file.abandon();
  }
}
