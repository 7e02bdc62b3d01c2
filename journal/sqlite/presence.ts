/**
 * Presence beside an embedded journal: `<journal>.presence`, a file that its one owner replaces as a whole.
 * It is not in the journal's database: a coordinator that is halted because the database is damaged, replaced
 * or full must be able to report that.
 */
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { JobName } from '../ids.ts';
import type { PresenceBoard, PresenceKey, StoredPresence } from '../presence.ts';

/** Enough for many thousands of partitions; a larger record is of no use to anybody. */
const RECORD_BYTES_MAX = 4 * 1024 * 1024;

/** `journalPath`: the journal that the process owns, or only reads. */
export function openFilePresence(journalPath: string): PresenceBoard {
  return new FilePresence(`${journalPath}.presence`);
}

class FilePresence implements PresenceBoard {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async bytesMax(): Promise<number> {
    return Promise.resolve(RECORD_BYTES_MAX);
  }

  async keep(key: PresenceKey, bytes: Uint8Array): Promise<void> {
    const draft = `${this.#path}.${key.coordinatorId}`;
    const content = Buffer.concat([Buffer.from(headOf(key)), bytes]);
    try {
      await writeFile(draft, content).catch(async (error: unknown) => {
        if (!isNotThere(error)) throw error;
        // There may be no journal yet: its owner is still waiting to create one.
        await mkdir(dirname(draft), { recursive: true });
        await writeFile(draft, content);
      });
      await rename(draft, this.#path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  }

  async remove(key: PresenceKey): Promise<void> {
    const found = await this.#read();
    if (found?.head === headOf(key)) await rm(this.#path, { force: true });
  }

  async read(job: JobName): Promise<readonly StoredPresence[]> {
    const found = await this.#read();
    if (found?.head.startsWith(`${JSON.stringify(job)} `) !== true) return [];
    return [{ bytes: found.bytes, ageMs: found.ageMs }];
  }

  async close(): Promise<void> {
    return Promise.resolve();
  }

  async #read(): Promise<{
    readonly head: string;
    readonly bytes: Uint8Array;
    readonly ageMs: number;
  } | null> {
    try {
      const [content, { mtimeMs }] = await Promise.all([readFile(this.#path), stat(this.#path)]);
      const end = content.indexOf(0x0a) + 1;
      const ageMs = Math.max(0, Date.now() - mtimeMs);
      return { head: content.toString('utf8', 0, end), bytes: content.subarray(end), ageMs };
    } catch (error) {
      if (isNotThere(error)) return null;
      throw error;
    }
  }
}

function isNotThere(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** First line of the file: whose record it is. */
function headOf({ job, coordinatorId }: PresenceKey): string {
  return `${JSON.stringify(job)} ${coordinatorId}\n`;
}
