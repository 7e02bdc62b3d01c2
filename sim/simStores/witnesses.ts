/** The journal's witnesses at a destination: names in folders. A power cut may undo the latest changes. */
import type { SeededRandom } from '../random.ts';

export class SimWitnesses {
  readonly #random: SeededRandom;
  readonly #names = new Map<string, Set<string>>();
  /** The names on the platter. */
  readonly #durable = new Map<string, ReadonlySet<string>>();

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  make(folder: string, name: string): void {
    this.#names.set(folder, this.#in(folder).add(name));
  }

  /** Makes the current names of the folder durable. */
  keep(folder: string): void {
    this.#durable.set(folder, new Set(this.#in(folder)));
  }

  /** Names in the folder, and of the folders in it. */
  list(folder: string): string[] {
    const below = [...this.#names].flatMap(([path, names]) =>
      path.startsWith(`${folder}/`) && names.size > 0
        ? [path.slice(folder.length + 1).split('/')[0] ?? '']
        : [],
    );
    return [...new Set([...this.#in(folder), ...below])].sort();
  }

  remove(folder: string, names: readonly string[]): void {
    for (const name of names) this.#in(folder).delete(name);
  }

  powerCut(): void {
    for (const [folder, names] of this.#names) {
      const durable = this.#durable.get(folder) ?? new Set<string>();
      for (const name of [...new Set([...names, ...durable])].sort()) {
        if (names.has(name) === durable.has(name) || this.#random.percent(50)) continue;
        if (durable.has(name)) names.add(name);
        else names.delete(name);
      }
      this.keep(folder);
    }
  }

  #in(folder: string): Set<string> {
    const names = this.#names.get(folder) ?? new Set<string>();
    this.#names.set(folder, names);
    return names;
  }
}
