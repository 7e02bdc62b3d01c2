/** What the stores of every kind share: markers, patience, and the life of a file that is being written. */
import { StoreFailure } from '../../src/stores/failure.ts';
import { crc64Of } from '../../kernels/crc64.ts';
import { scratchMissing, takeScratch } from '../../src/stores/storedContent.ts';
import type { JournalId } from '../../journal/ids.ts';
import type { Failpoint } from '../../src/system/failpoints.ts';
import type { StoreReading } from '../../src/stores/reading.ts';
import type { Temporaries, Temporary } from '../../src/stores/temporaries.ts';
import type { DurablePart, OpenFile, PartTarget, Salvage, StoreHandle } from '../../src/stores/port.ts';
import type { SimProcess } from '../process.ts';
import type { Destination } from './destination.ts';
import { handleInvalid, missing } from './errors.ts';
import { isHidden } from './destination.ts';
import type { StoreCalls } from './port.ts';
import { simReading, type Readable } from './reading.ts';

/** Nothing is called missing before it was missing this often. */
const MISSING_PROBES = 5;
const MISSING_PAUSE_MS = 200;
const RACES_MAX = 50;

const LISTED_AT_ONCE = 100;
/** The world keeps no times. */
const AGELESS = { modifiedAtMs: 0 };

/** What an operator may remove. */
interface Sweepable {
  names(): Iterable<{ readonly uri: string; readonly bytes: number }>;
  uploads(): Iterable<{ readonly id: string; readonly uri: string; readonly temporaryUri: string }>;
  remove(uri: string): void;
  abort(uploadId: string): void;
}

function uploadIdIn(handle: StoreHandle): string | null {
  if (handle === null || typeof handle !== 'object' || Array.isArray(handle)) return null;
  const { uploadId = null } = handle;
  return typeof uploadId === 'string' ? uploadId : null;
}

/** How one process reaches a store. */
export interface Connection {
  readonly destination: Destination;
  readonly calls: StoreCalls;
  readonly process: SimProcess;
}

export abstract class SimStore {
  protected readonly destination: Destination;
  protected readonly process: SimProcess;
  readonly #calls: StoreCalls;

  constructor({ destination, calls, process }: Connection) {
    this.destination = destination;
    this.process = process;
    this.#calls = calls;
  }

  protected call<T>(point: Failpoint, arrives: () => T, mayBeLate = false): Promise<T> {
    return this.#calls.call(this.process, point, arrives, mayBeLate);
  }

  /** Looks count as witness calls: both are made when a journal is judged. */
  protected readingOf(standing: Readable): StoreReading {
    return simReading(standing, (arrives) => this.call('store.listWitnesses', arrives));
  }

  /** A removal is told before it takes effect, so that it can be judged. */
  protected sweeping(standing: Sweepable): Temporaries {
    const { destination, process } = this;
    const listed = (below: string): Temporary[] =>
      [
        ...[...standing.names()].map(({ uri, bytes }) => ({ ...AGELESS, uri, uploadId: null, bytes })),
        ...[...standing.uploads()].map(({ uri, id }) => ({ ...AGELESS, uri, uploadId: id, bytes: null })),
      ].filter(({ uri }) => uri.startsWith(`${below}/`));
    const call = <T>(arrives: () => T): Promise<T> => this.call('store.discard', arrives);
    return {
      list: async function* (folderUri) {
        const found = await call(() => listed(folderUri));
        for (let at = 0; at < found.length; at += LISTED_AT_ONCE) yield found.slice(at, at + LISTED_AT_ONCE);
      },
      remove: ({ uri, uploadId }) =>
        call(() => {
          if (uploadId === null) {
            mustBeHidden([uri]);
            destination.swept({ by: process.name, uri, upload: null });
            standing.remove(uri);
            return;
          }
          const upload = [...standing.uploads()].find(({ id }) => id === uploadId);
          if (upload === undefined) return;
          destination.swept({ by: process.name, uri, upload });
          standing.abort(uploadId);
        }),
      uploadIdOf: uploadIdIn,
    };
  }

  /** @param keep creates a closed, durable file under an unused name. */
  protected salvaging(standing: Readable, keep: (uri: string, bytes: Buffer) => void): Salvage {
    return {
      copy: (fromUri, { length }, toUri) =>
        this.call('store.listWitnesses', () => {
          const bytes = standing.contentOf(fromUri);
          if (bytes === null) throw new Error(`${fromUri} is gone`);
          keep(toUri, Buffer.from(bytes.subarray(0, length)));
        }),
    };
  }

  /** Retries. `raced`: another process takes over too, so look again; `missing`: stop when stable. */
  protected async patiently(
    target: PartTarget,
    attempt: () => Promise<'done' | 'raced' | 'missing'>,
  ): Promise<void> {
    let missed = 0;
    for (let probe = 1; probe <= RACES_MAX; probe += 1) {
      const outcome = await attempt();
      if (outcome === 'done') return;
      missed = outcome === 'missing' ? missed + 1 : 0;
      if (missed === MISSING_PROBES) throw missing(target);
      if (missed > 0) await this.process.clock.pause(MISSING_PAUSE_MS);
    }
    throw new StoreFailure('unavailable', `The names of ${target.finalUri} kept changing.`);
  }

  claimMarker(sinkUri: string, job: string, id: JournalId): Promise<JournalId> {
    return this.call('store.claimMarker', () => this.destination.claimMarker(`${sinkUri} ${job}`, id));
  }

  readMarker(sinkUri: string, job: string): Promise<JournalId | null> {
    const { process, destination } = this;
    return process.call(process.drawFare(), () => destination.marker(`${sinkUri} ${job}`));
  }

  /** On a disk, writing it and making it durable are separate calls. */
  async writeWitness(folderUri: string, name: string): Promise<void> {
    const { witnesses } = this.destination;
    await this.call('store.writeWitness', () => witnesses.make(folderUri, name), true);
    await this.call('store.writeWitness', () => witnesses.keep(folderUri), true);
  }

  listWitnesses(folderUri: string): Promise<readonly string[]> {
    return this.call('store.listWitnesses', () => this.destination.witnesses.list(folderUri));
  }

  removeWitnesses(folderUri: string, names: readonly string[]): Promise<void> {
    return this.call(
      'store.removeWitnesses',
      () => this.destination.witnesses.remove(folderUri, names),
      true,
    );
  }

  async close(): Promise<void> {
    return Promise.resolve();
  }
}

export abstract class SimOpenFile implements OpenFile {
  protected readonly process: SimProcess;
  readonly #calls: StoreCalls;
  #life: 'open' | 'failed' | 'closed' = 'open';

  constructor({ calls, process }: Connection) {
    this.#calls = calls;
    this.process = process;
    calls.hold(process, 1);
  }

  abstract write(bytes: Uint8Array): Promise<void>;
  abstract persist(): Promise<StoreHandle>;
  abstract closeForCommit(): Promise<StoreHandle>;

  async abandon(): Promise<void> {
    this.closed();
    return Promise.resolve();
  }

  protected closed(): void {
    if (this.#life !== 'closed') this.#calls.hold(this.process, -1);
    this.#life = 'closed';
  }

  protected mustBeOpen(point: Failpoint): void {
    if (this.#life === 'closed') throw handleInvalid(`${point} on a closed file`, this.process.name);
    if (this.#life === 'open') return;
    throw new StoreFailure('outcomeUnknown', `${point} on a file of which an earlier call failed.`);
  }

  /** The caller gets its bytes back with the answer: until then they are read only when they arrive. */
  protected async lend(bytes: Uint8Array, effect: (bytes: Buffer) => void, mayBeLate = false): Promise<void> {
    let kept: Buffer | null = null;
    try {
      await this.call(
        'store.write',
        () => {
          effect(kept ?? Buffer.from(bytes));
        },
        mayBeLate,
      );
    } catch (error) {
      kept = Buffer.from(bytes);
      throw error;
    }
  }

  /** A failure leaves the file unusable. */
  protected async call<T>(point: Failpoint, effect: () => T, mayBeLate = false): Promise<T> {
    this.mustBeOpen(point);
    try {
      return await this.#calls.call(this.process, point, effect, mayBeLate);
    } catch (error) {
      this.#life = 'failed';
      throw error;
    }
  }
}

/** As a store's `scratch.read` gives it. @param bytes null if there is no such file. */
export async function readScratch(
  uri: string,
  bytes: Buffer | null,
  durable: Omit<DurablePart, 'handle'>,
  take: (chunk: Uint8Array) => void,
): Promise<void> {
  if (bytes === null) throw scratchMissing(uri, durable);
  await takeScratch(uri, [bytes.subarray(0, durable.length)], durable, take);
}

/** How the bytes differ from what was journaled, in words; null if they do not. */
export function differenceOf(bytes: Buffer, { length, crc64 }: DurablePart): string | null {
  if (bytes.length !== length) return `holds ${bytes.length} bytes, ${length} were journaled`;
  return crc64Of(bytes) === crc64 ? null : 'holds other bytes than were journaled';
}

export function mustBeHidden(uris: readonly string[]): void {
  for (const uri of uris) if (!isHidden(uri)) throw handleInvalid('This is no temporary name', uri);
}
