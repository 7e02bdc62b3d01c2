/**
 * The independent count: what a reader of the destination finds who knows nothing of the journal. Lines are
 * `<partition>:<number>`, each number is to be there once, and numbers go up inside a file.
 */
import { createHash } from 'node:crypto';
import { createReadStream, readdirSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';

export interface Count {
  readonly records: number;
  readonly files: number;
  /** How many are in no file because an operator's answer gave them up. */
  readonly givenUp: number;
  /**
   * How many other numbers are in no file, and how many in more than one; the first of each, as
   * `partition:number`.
   */
  readonly lost: number;
  readonly doubled: number;
  readonly examples: readonly string[];
  /** Lines that nobody sent, files whose numbers do not go up, hidden names that are left. */
  readonly oddities: readonly string[];
}

/** Numbers of a partition, [from, to), of which those in no committed file may lack. */
export interface GivenUp {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** What a restored journal excuses. */
export interface Excuses {
  readonly givenUp: readonly GivenUp[];
  /** Hidden files that may be left. */
  readonly orphans: ReadonlySet<string>;
}

const EXAMPLES_MAX = 10;

/**
 * Files below the folder, relative; by entry type: a temporary name may be gone a moment after it was listed.
 */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}

const isHidden = (name: string): boolean => name.split(path.sep).some((part) => /^[._]/.test(part));

/** `sent`: how many numbers of each partition were acknowledged. */
export async function countRecords(
  folder: string,
  sent: readonly number[],
  { givenUp, orphans }: Excuses = { givenUp: [], orphans: new Set() },
): Promise<Count> {
  const seen = sent.map((count) => new Uint8Array(count));
  const oddities: string[] = [];
  let [records, files] = [0, 0];
  for (const name of filesBelow(folder)) {
    if (name.startsWith(`.tidemark${path.sep}`)) continue;
    if (isHidden(name)) {
      if (!orphans.has(name)) oddities.push(`${name} is left over`);
      continue;
    }
    files += 1;
    let last = -1;
    for await (const line of createInterface({ input: createReadStream(path.join(folder, name)) })) {
      const [partition = NaN, number = NaN] = line.split(':').map(Number);
      const column = seen[partition];
      if (column?.[number] === undefined) oddities.push(`${name}: "${line}" was never sent`);
      else column[number] += 1;
      if (number <= last) oddities.push(`${name}: ${number} follows ${last}`);
      last = number;
      records += 1;
    }
  }
  return { records, files, ...faultsOf(seen, givenUp), oddities: oddities.slice(0, EXAMPLES_MAX) };
}

function faultsOf(
  seen: readonly Uint8Array[],
  excused: readonly GivenUp[],
): Pick<Count, 'givenUp' | 'lost' | 'doubled' | 'examples'> {
  let [givenUp, lost, doubled] = [0, 0, 0];
  const examples: string[] = [];
  const isExcused = (partition: number, number: number): boolean =>
    excused.some((one) => one.partition === partition && one.from <= number && number < one.to);
  for (const [partition, column] of seen.entries()) {
    for (const [number, times] of column.entries()) {
      if (times === 1) continue;
      if (times === 0 && isExcused(partition, number)) {
        givenUp += 1;
        continue;
      }
      if (times === 0) lost += 1;
      else doubled += 1;
      if (examples.length < EXAMPLES_MAX) examples.push(`${partition}:${number} ${times} times`);
    }
  }
  return { givenUp, lost, doubled, examples };
}

/** Digests of what is committed: none of them may ever change or go. */
export class CommittedWatch {
  readonly #folder: string;
  readonly #digests = new Map<string, string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** An operator moves it away. */
  forget(name: string): void {
    this.#digests.delete(name);
  }

  /** Looks at every committed file; gives those that have changed or are gone since an earlier look. */
  async look(): Promise<readonly string[]> {
    const found = new Set(filesBelow(this.#folder).filter((name) => !isHidden(name)));
    const changed = [...this.#digests.keys()]
      .filter((name) => !found.has(name))
      .map((name) => `${name} is gone`);
    for (const name of found) {
      const hash = createHash('sha256');
      for await (const chunk of createReadStream(path.join(this.#folder, name))) hash.update(chunk as Buffer);
      const digest = hash.digest('hex');
      const before = this.#digests.get(name);
      if (before !== undefined && before !== digest) changed.push(`${name} has changed`);
      this.#digests.set(name, digest);
    }
    return changed;
  }
}
