/** What is wrong about the folders that records name. */
import { patch, type Mutation } from './mutation.ts';

export const BUCKET_MUTATIONS: readonly Mutation[] = [
  {
    name: 'a folder by parts of a record leaves its time out',
    store: 'file',
    foundAt: 19,
    patches: [
      patch(
        'actors/buckets/parts/assigner.ts',
        `table.number(this.#slots.slotOf(this.#timeOf(record, wallMs)));`,
        `table.number(this.#slots.slotOf(this.#timeOf(record, wallMs) * 0));`,
      ),
    ],
  },
  {
    name: 'a record without the part goes where the one before it went',
    store: 'oss',
    foundAt: 5,
    patches: [
      patch(
        'actors/buckets/parts/partReader.ts',
        `!field.find(valueBytes, valueStart, valueEnd)) return FOUND.missing;`,
        `!field.find(valueBytes, valueStart, valueEnd))
      return this.bytes.length > 0 ? FOUND.plain : FOUND.missing;`,
      ),
    ],
  },
  {
    name: 'folders are told apart by the length of their names alone',
    store: 'oss-hdfs',
    foundAt: 30,
    patches: [
      patch(
        'actors/buckets/parts/slotTable.ts',
        `const hash = hashOf(this.#key, 0, this.#length) & HASH_MASK;`,
        `const hash = hashOf(this.#key, 0, this.#length) & 0;`,
      ),
      patch(
        'actors/buckets/parts/slotTable.ts',
        `if (equalsAt(this.#key, 0, this.#length, entry.key)) return entry.slot;`,
        `if (equalsAt(this.#key, 0, this.#length, entry.key) || entry.key.length === this.#length) return entry.slot;`,
      ),
    ],
  },
];
