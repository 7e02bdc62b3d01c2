/** What the stores of every kind have in common: what readers see, the marker of the journal, and what is nobody's any more. */
import type { JournalId } from '../../journal/ids.ts';
import type { SimProcess } from '../process.ts';
import { SeededRandom } from '../random.ts';
import type { VisibleChange } from '../schedule.ts';
import type { SimStoreOptions } from './port.ts';
import { SimWitnesses } from './witnesses.ts';

export class Destination {
  /** The store's own: a fault that is taken away from a schedule changes as little else as possible. */
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

  /** Readers see these bytes under the name from now on; one that they do not see is not theirs to know. */
  show(uri: string, bytes: Buffer): void {
    if (isHidden(uri)) return;
    this.#tell(uri, this.#visible.has(uri) ? 'changed' : 'appeared', bytes);
    this.#visible.set(uri, bytes);
  }

  /** `undone`: a power cut took what had never been made durable. */
  hide(uri: string, how: 'gone' | 'undone' = 'gone'): void {
    if (this.#visible.delete(uri)) this.#tell(uri, how, null);
  }

  /** A reader, or an operator, has it from now on, as it is. */
  take(uri: string, how: 'taken' | 'putAway' = 'taken'): void {
    if (this.#visible.delete(uri)) this.#tell(uri, how, null);
  }

  #tell(uri: string, type: VisibleChange['type'], bytes: Buffer | null): void {
    const content = bytes === null ? null : bytes.toString('utf8');
    this.#options.visible({ atMs: this.nowMs, uri, type, content });
  }

  /** What a store takes for published and moved away, though it is not. */
  mistaken(finalUri: string): void {
    this.#options.mistaken?.(finalUri);
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

  /** Whoever discarded this name does not look at it again. */
  discarded(uri: string): void {
    this.#discarded.add(uri);
  }

  /** What is made under this name now. */
  litter(uri: string, maker: SimProcess): Litter {
    return { isLate: this.#discarded.has(uri), maker };
  }
}

/** Who made something temporary, and whether the name had been discarded before. */
export interface Litter {
  readonly isLate: boolean;
  readonly maker: SimProcess;
}

/** A late one is removed by its maker when it learns that it was late; one that was killed cannot. */
export function isNobodys({ isLate, maker }: Litter): boolean {
  return isLate && maker.wasKilled;
}

export function isHidden(uri: string): boolean {
  return uri.slice(uri.lastIndexOf('/') + 1).startsWith('.');
}

export function folderOf(uri: string): string {
  return uri.slice(0, uri.lastIndexOf('/'));
}
