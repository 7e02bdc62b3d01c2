import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import path from 'node:path';

/** One row that is replaced, or removed (null). */
export type Change = { readonly table: string; readonly key: string; readonly value: unknown };

/** Rows of one kind, by key. Reads are immediate; writes are changes that are passed to `Records.commit`. */
export class Table<Row> {
  readonly #rows = new Map<string, Row>();
  #sorted: readonly string[] | null = null;

  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  get(key: string): Row | undefined {
    return this.#rows.get(key);
  }

  get size(): number {
    return this.#rows.size;
  }

  entries(): IterableIterator<[string, Row]> {
    return this.#rows.entries();
  }

  values(): IterableIterator<Row> {
    return this.#rows.values();
  }

  /** All keys, ascending. */
  sortedKeys(): readonly string[] {
    this.#sorted ??= [...this.#rows.keys()].sort();
    return this.#sorted;
  }

  /** The keys that start with the prefix, ascending. */
  keysUnder(prefix: string): readonly string[] {
    const keys = this.sortedKeys();
    const from = firstAtLeast(keys, prefix);
    let to = from;
    while (to < keys.length && keys[to]!.startsWith(prefix)) to += 1;
    return keys.slice(from, to);
  }

  put(key: string, value: Row): Change {
    return { table: this.#name, key, value };
  }

  remove(key: string): Change {
    return { table: this.#name, key, value: null };
  }

  /** Only for `Records`. */
  apply(key: string, value: unknown): void {
    if (value === null) {
      if (this.#rows.delete(key)) this.#sorted = null;
      return;
    }
    if (!this.#rows.has(key)) this.#sorted = null;
    this.#rows.set(key, value as Row);
  }
}

/** The first index whose key is not below `wanted`. */
function firstAtLeast(keys: readonly string[], wanted: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The server's state: tables, and a log of every commit. A commit is one line, written before it is applied
 * and before anything is answered: what was acknowledged survives a kill -9 of this process. Nothing is
 * synced, so it does not survive a crash of the machine. A torn last line was never acknowledged, and is
 * dropped at the start.
 */
export class Records {
  readonly #tables = new Map<string, Table<never>>();
  readonly #file: string;
  #log: number;

  constructor(dir: string) {
    mkdirSync(dir, { recursive: true });
    this.#file = path.join(dir, 'records.log');
    if (existsSync(this.#file)) this.#replay();
    this.#log = this.#rewrite();
  }

  table<Row>(name: string): Table<Row> {
    let table = this.#tables.get(name) as Table<Row> | undefined;
    if (table === undefined) {
      table = new Table<Row>(name);
      this.#tables.set(name, table as unknown as Table<never>);
    }
    return table;
  }

  /** Atomic: after a crash, all of the changes or none. */
  commit(changes: readonly Change[]): void {
    writeWhole(this.#log, lineOf(changes));
    for (const change of changes) this.#apply(change);
  }

  close(): void {
    closeSync(this.#log);
  }

  #apply({ table, key, value }: Change): void {
    this.table(table).apply(key, value);
  }

  #replay(): void {
    const lines = readFileSync(this.#file, 'utf8').split('\n');
    const torn = lines.pop(); // what follows the last line feed
    if (torn !== '') process.stderr.write(`oss server: a torn last line of ${this.#file} is dropped\n`);
    for (const line of lines) {
      for (const change of JSON.parse(line) as Change[]) this.#apply(change);
    }
  }

  /** Starts a log with the present rows only, so that it does not grow with every start. */
  #rewrite(): number {
    const aside = `${this.#file}.new`;
    const log = openSync(aside, 'w');
    for (const [name, table] of this.#tables) {
      for (const [key, value] of table.entries()) writeWhole(log, lineOf([{ table: name, key, value }]));
    }
    renameSync(aside, this.#file);
    return log;
  }
}

function lineOf(changes: readonly Change[]): Buffer {
  return Buffer.from(`${JSON.stringify(changes)}\n`);
}

function writeWhole(file: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
}
