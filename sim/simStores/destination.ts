/**
 * What the stores of every kind share: what readers see, the marker of the journal, and what nobody owns any
 * more.
 */
import type { JournalId } from '../../journal/ids.ts';
import { valuesIn } from '../job/content.ts';
import type { SimProcess } from '../process.ts';
import { SeededRandom } from '../random.ts';
import type { VisibleChange } from '../schedule.ts';
import type { Removed, SimStoreOptions } from './port.ts';
import { SimWitnesses } from './witnesses.ts';

export class Destination {
  /** The store's own source: removing a fault from a schedule changes as little else as possible. */
  readonly random: SeededRandom;
  readonly witnesses: SimWitnesses;
  readonly #options: SimStoreOptions;
  readonly #visible = new Map<string, Buffer>();
  readonly #markers = new Map<string, JournalId>();
  readonly #discarded = new Set<string>();

  constructor(options: SimStoreOptions) {
    this.#options = options;
    this.random = new SeededRandom(options.scheduler.random.uint32());
    this.witnesses = new SimWitnesses(this.random);
  }

  get nowMs(): number {
    return this.#options.scheduler.nowMs;
  }

  /** What readers see, by URI. */
  get visible(): ReadonlyMap<string, Buffer> {
    return this.#visible;
  }

  /** From now on readers see these bytes under the name; hidden names are not shown to them. */
  show(uri: string, bytes: Buffer): void {
    if (isHidden(uri)) return;
    this.#tell(uri, this.#visible.has(uri) ? 'changed' : 'appeared', bytes);
    this.#visible.set(uri, bytes);
  }

  /** `undone`: a power cut removed what had never been made durable. */
  hide(uri: string, how: 'gone' | 'undone' = 'gone'): void {
    if (this.#visible.delete(uri)) this.#tell(uri, how, null);
  }

  /** From now on a reader, or an operator, has it unchanged. */
  take(uri: string, how: 'taken' | 'putAway' = 'taken'): void {
    if (this.#visible.delete(uri)) this.#tell(uri, how, null);
  }

  #tell(uri: string, type: VisibleChange['type'], bytes: Buffer | null): void {
    const content = bytes === null ? null : valuesIn(bytes);
    const lengthBytes = bytes?.length;
    this.#options.visible({ atMs: this.nowMs, uri, type, content, lengthBytes });
  }

  /** What a store considers published and moved away, though it is not. */
  mistaken(finalUri: string): void {
    this.#options.mistaken?.(finalUri);
  }

  swept(removed: Removed): void {
    this.#options.swept?.(removed);
  }

  claimMarker(key: string, id: JournalId): JournalId {
    const standing = this.#markers.get(key);
    if (standing !== undefined) return standing;
    this.#markers.set(key, id);
    return id;
  }

  marker(key: string): JournalId | null {
    return this.#markers.get(key) ?? null;
  }

  /** The process that discarded this name does not look at it again. */
  discarded(uri: string): void {
    this.#discarded.add(uri);
  }

  /** Describes what is created under this name now. */
  litter(uri: string, maker: SimProcess): Litter {
    return { isLate: this.#discarded.has(uri), maker };
  }
}

/** Who created something temporary, and whether the name had been discarded before. */
export interface Litter {
  readonly isLate: boolean;
  readonly maker: SimProcess;
}

/** A late one is removed by its creator when it learns that it was late; a killed one cannot do that. */
export function isNobodys({ isLate, maker }: Litter): boolean {
  return isLate && maker.wasKilled;
}

export function isHidden(uri: string): boolean {
  return uri.slice(uri.lastIndexOf('/') + 1).startsWith('.');
}

export function folderOf(uri: string): string {
  return uri.slice(0, uri.lastIndexOf('/'));
}
