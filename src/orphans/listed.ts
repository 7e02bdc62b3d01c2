/** What the destination has shown, by the names under which the journal may hold it. */
import { temporaryName, type TemporaryKind } from '../../actors/temporaryNames.ts';
import type { PartId } from '../../journal/ids.ts';
import type { Temporary } from '../stores/temporaries.ts';

export interface ListedItem extends Temporary {
  readonly kind: TemporaryKind | 'upload';
}

export class Listed {
  readonly #byName = new Map<string, ListedItem[]>();
  readonly #byPart = new Map<PartId, ListedItem[]>();
  readonly #uploads = new Map<string, ListedItem[]>();
  /** Of which nothing is known yet. */
  readonly left = new Set<ListedItem>();
  /** Names that only begin like one of Tidemark's: nobody judges them. */
  others = 0;

  add(temporary: Temporary): void {
    if (temporary.uploadId !== null) {
      this.#take(this.#uploads, temporary.uri, { ...temporary, kind: 'upload' });
      return;
    }
    const name = temporaryName(temporary.uri);
    if (name === null) {
      this.others += 1;
      return;
    }
    const item = { ...temporary, kind: name.kind };
    this.#take(this.#byName, name.journaledUri, item);
    if (name.keptOf !== null) this.#take(this.#byPart, name.keptOf, item);
  }

  #take<Key>(index: Map<Key, ListedItem[]>, key: Key, item: ListedItem): void {
    this.left.add(item);
    const known = index.get(key);
    if (known === undefined) index.set(key, [item]);
    else known.push(item);
  }

  /** Under a journaled temporary name, or under one that a store derives from it. */
  ofName(journaledUri: string): readonly ListedItem[] {
    return this.#byName.get(journaledUri) ?? [];
  }

  /** Copies that were made of the part file for an answer; their names need not be journaled. */
  keptOf(partId: PartId): readonly ListedItem[] {
    return this.#byPart.get(partId) ?? [];
  }

  /** Uploads of a final name. */
  uploadsOf(finalUri: string): readonly ListedItem[] {
    return this.#uploads.get(finalUri) ?? [];
  }
}
