/** What the scenarios of the store suite are made of: names, writers, readers and takeovers. */
import { expect } from 'vitest';
import { crc64Of } from '../../../kernels/crc64.ts';
import { TidemarkError, type ErrorCode } from '../../../journal/errors.ts';
import type { DurablePart, OpenFile, PartTarget, Store, StoreHandle } from '../../../src/stores/port.ts';

/** An empty place at the destination, and eyes that do not go through the store. */
export interface StoreHarness {
  readonly sinkUri: string;
  /** A fresh instance, as another process would make it. */
  newStore(): Store;
  /**
   * What a reader sees: every file below the sink none of whose path segments begins with `.` or `_`, by
   * relative path.
   */
  readers(): Promise<Map<string, Buffer>>;
  /** Whatever else lies there (temporary files, side objects, uploads), markers apart. */
  leftovers(): Promise<string[]>;
  /** Puts a file there as somebody else would. */
  put(uri: string, bytes: Uint8Array): Promise<void>;
  /** Removes a file as somebody else would. */
  remove(uri: string): Promise<void>;
  /**
   * Makes a backup of hard links (`cp -al`) of all that stands; absent where there are none. Gives a way to
   * delete it.
   */
  backUp?(): Promise<() => Promise<void>>;
  dispose(): Promise<void>;
}

export interface StoreUnderTest {
  harness(): Promise<StoreHarness>;
  /** Whether a file without data is published as an empty file, or not at all. */
  readonly emptyFile: 'published' | 'nothing';
  /** Enough for several upload parts (or write buffers) of the store. */
  readonly largeBytes: number;
  /**
   * What stands for a file that is not committed: a name, which is one file's alone, or a multipart upload,
   * of which any number may be.
   */
  readonly temporary: 'name' | 'upload';
}

export const bytesOf = (text: string): Buffer => Buffer.from(text, 'utf8');

/** Bytes that differ at every position from any other run of them. */
export function patternBytes(length: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let state = seed >>> 0 || 1;
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** What another process gets to know of it: JSON, as journaled. */
function journaled<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

let names = 0;
const FOLDER = 'dt=2026-01-02/hr=03';

export function newTarget(harness: StoreHarness, finalUri: string | null = null): PartTarget {
  names += 1;
  const partId = names.toString(16).padStart(32, '0');
  const name = `part-clicks-0-${String(names).padStart(20, '0')}`;
  return {
    partId,
    finalUri: finalUri ?? `${harness.sinkUri}/${FOLDER}/${name}`,
    temporaryUri: `${harness.sinkUri}/${FOLDER}/.${name}.${partId}`,
  };
}

/** The path under which readers see the file. */
export function readerName(harness: StoreHarness, target: PartTarget): string {
  return target.finalUri.slice(harness.sinkUri.length + 1);
}

/** One owner's way with a file, and what its journal says of it. */
export class Writer {
  readonly target: PartTarget;
  readonly file: OpenFile;
  content: Buffer;

  constructor(target: PartTarget, file: OpenFile, content: Buffer = Buffer.alloc(0)) {
    this.target = target;
    this.file = file;
    this.content = content;
  }

  static async create(store: Store, target: PartTarget): Promise<Writer> {
    return new Writer(target, await store.create(target));
  }

  async write(bytes: string | Buffer): Promise<this> {
    const data = typeof bytes === 'string' ? bytesOf(bytes) : bytes;
    // The caller may reuse its buffer at once: so does this one.
    const lent = Buffer.from(data);
    await this.file.write(lent);
    lent.fill(0xff);
    this.content = Buffer.concat([this.content, data]);
    return this;
  }

  async persist(): Promise<DurablePart> {
    return this.#durable(await this.file.persist());
  }

  /** A completed checkpoint names what was persisted. */
  checkpointed(durable: DurablePart): void {
    this.file.checkpointed?.(durable.handle);
  }

  /** What is journaled of it before its first byte. */
  get startHandle(): StoreHandle {
    return journaled(this.file.startHandle ?? null);
  }

  async closeForCommit(): Promise<DurablePart> {
    return this.#durable(await this.file.closeForCommit());
  }

  #durable(handle: StoreHandle): DurablePart {
    return journaled({ length: this.content.length, crc64: crc64Of(this.content), handle });
  }
}

export interface Taken {
  readonly target: PartTarget;
  readonly durable: DurablePart;
}

let takeovers = 0;
/**
 * The names to which earlier takeovers of a part were about to move it: their entries (partMoved) are in the
 * journal.
 */
const journaledMoves = new Map<string, readonly string[]>();

/**
 * A new temporary name, journaled, where the store takes over by moving, else the one that holds the data.
 */
export function nameForTakeover(store: Store, target: PartTarget): string {
  if (store.takeover.type === 'finish' && !store.takeover.copies) return target.temporaryUri;
  takeovers += 1;
  const toUri = `${target.temporaryUri}.${takeovers}`;
  journaledMoves.set(target.partId, [toUri, ...(journaledMoves.get(target.partId) ?? [])]);
  return toUri;
}

/** Finishes a file as a store does that does not append. */
export function finishWith(
  { takeover, kind }: Store,
  target: PartTarget,
  durable: DurablePart,
  toUri: string,
  tail: Uint8Array = new Uint8Array(0),
): Promise<DurablePart> {
  if (takeover.type !== 'finish') throw new Error(`a store of the kind ${kind} resumes files`);
  return takeover.finish(target, durable, { toUri, tail });
}

/** Opens a file as a store does that appends. */
export function resumeWith(
  { takeover, kind }: Store,
  target: PartTarget,
  durable: DurablePart,
  toUri: string,
): Promise<OpenFile> {
  if (takeover.type !== 'resume') throw new Error(`a store of the kind ${kind} finishes files`);
  return takeover.resume(target, durable, toUri);
}

/**
 * Takes a file in progress over at what was durable, by the store's own way, and leaves it closed for commit.
 */
export async function takeOver(store: Store, target: PartTarget, durable: DurablePart): Promise<Taken> {
  const from = journaled({ ...target, formerUris: journaledMoves.get(target.partId) ?? [] });
  const temporaryUri = nameForTakeover(store, target);
  const moved = { ...target, temporaryUri };
  if (store.takeover.type === 'finish')
    return {
      target: moved,
      durable: journaled(await finishWith(store, from, journaled(durable), temporaryUri)),
    };
  const file = await resumeWith(store, from, journaled(durable), temporaryUri);
  return { target: moved, durable: { ...durable, handle: journaled(await file.closeForCommit()) } };
}

/** What became of a call whose success is allowed either way. */
export async function outcomeOf(call: Promise<unknown>): Promise<'done' | TidemarkError> {
  try {
    await call;
    return 'done';
  } catch (error) {
    if (error instanceof TidemarkError) return error;
    throw error;
  }
}

export async function expectCode(call: Promise<unknown>, ...codes: ErrorCode[]): Promise<TidemarkError> {
  const outcome = await outcomeOf(call);
  if (outcome === 'done') throw new Error(`it did not fail; expected ${codes.join(' or ')}`);
  expect(codes).toContain(outcome.code);
  return outcome;
}

/** Readers see exactly these files, whole. */
export async function expectReaders(
  harness: StoreHarness,
  ...files: (readonly [PartTarget, Buffer | string])[]
) {
  const seen = [...(await harness.readers())].map(([name, bytes]) => [name, bytes.toString('latin1')]);
  const expected = files.map(([target, content]) => [
    readerName(harness, target),
    (typeof content === 'string' ? bytesOf(content) : content).toString('latin1'),
  ]);
  expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(expected));
}

/** The same without printing megabytes. */
export async function expectLargeFile(harness: StoreHarness, target: PartTarget, content: Buffer) {
  const readers = await harness.readers();
  expect([...readers.keys()]).toEqual([readerName(harness, target)]);
  expect(readers.get(readerName(harness, target))?.equals(content)).toBe(true);
}
