/**
 * A portable file as a journal that can only be read. Memory does not grow with the file: one pass checks it
 * and notes, for each subject, which blocks hold its entries.
 */
import type { FileHandle } from 'node:fs/promises';
import { blocksOf, type Blocks } from './blocks.ts';
import { notOfJob, type OnBackupProgress } from './check.ts';
import { TidemarkError } from '../errors.ts';
import { JournalFailure } from '../failure.ts';
import { openExisting } from './existingFile.ts';
import { journalId, type JobName, type JournalId, type Subject } from '../ids.ts';
import type { AppendOutcome, Journal, Revision, StoredEntry } from '../port.ts';
import { entryOf, parseLine, readBlock, readPortableFrom, type PortableEntry } from './portableFile.ts';

/** Where the entries of a subject are: blocks from `first` to `last`, and the last entry's revision. */
interface Extent {
  readonly first: number;
  last: number;
  lastRevision: Revision;
}

export interface PortableJournalOptions {
  readonly file: string;
  /** Files of other jobs are refused. */
  readonly job: JobName;
  readonly onProgress: OnBackupProgress;
}

/**
 * Rejects with JOURNAL_CORRUPT if the file is not whole, JOURNAL_NEWER if its format is newer,
 * REQUEST_REFUSED if it is that of another job.
 */
export async function openPortableJournal(options: PortableJournalOptions): Promise<Journal> {
  const { file, job, onProgress } = options;
  const handle = await openExisting(file);
  try {
    const extents = new Map<Subject, Extent>();
    const found = await readPortableFrom(handle, file, {
      header: (header) => {
        if (header.job !== job) throw notOfJob(job, header.journalId);
      },
      entry: (entry, at) => {
        note(extents, entry, at, file);
      },
      onProgress,
    });
    return new PortableJournal(file, handle, await blocksOf(handle), journalId(found.journalId), extents);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function note(
  extents: Map<Subject, Extent>,
  { subject, revision }: PortableEntry,
  at: number,
  file: string,
): void {
  const extent = extents.get(subject);
  if (extent === undefined) {
    extents.set(subject, { first: at, last: at, lastRevision: revision });
    return;
  }
  if (revision <= extent.lastRevision) {
    throw new JournalFailure(
      'corrupt',
      `The entries of ${subject} in ${file} are out of order at revision ${revision}. Use another file.`,
      { fields: { path: file, revision } },
    );
  }
  extent.last = at;
  extent.lastRevision = revision;
}

class PortableJournal implements Journal {
  readonly id: JournalId;
  /** Nothing can be appended. */
  readonly entryBytesMax = 0;
  readonly #file: string;
  readonly #handle: FileHandle;
  readonly #blocks: Blocks;
  readonly #extents: ReadonlyMap<Subject, Extent>;

  constructor(
    file: string,
    handle: FileHandle,
    blocks: Blocks,
    id: JournalId,
    extents: ReadonlyMap<Subject, Extent>,
  ) {
    this.#file = file;
    this.#handle = handle;
    this.#blocks = blocks;
    this.id = id;
    this.#extents = extents;
  }

  async *read(subject: Subject, after: Revision): AsyncGenerator<readonly StoredEntry[]> {
    const extent = this.#extents.get(subject);
    if (extent === undefined || extent.lastRevision <= after) return;
    for (let at = extent.first; at <= extent.last;) {
      const block = await readBlock(this.#blocks, at, this.#file);
      if (block === null) throw this.#shrunk(at);
      at = block.next;
      const batch = block.lines
        .map((text) => entryOf(parseLine(text)))
        .filter((entry) => entry !== null)
        .filter((entry) => entry.subject === subject && entry.revision > after)
        .map(({ revision, bytes }) => ({ revision, bytes }));
      if (batch.length > 0) yield batch;
    }
  }

  requests(subject: Subject, after: Revision): AsyncGenerator<readonly StoredEntry[]> {
    return this.read(subject, after);
  }

  async subjects(prefix: string): Promise<readonly Subject[]> {
    return [...this.#extents.keys()].filter((subject) => subject.startsWith(prefix)).sort();
  }

  /** The file has none: the first claim of a restored journal replays all of it. */
  async *snapshots(): AsyncGenerator<Uint8Array> {}

  append(): Promise<AppendOutcome> {
    return Promise.reject(this.#readOnly());
  }

  fileRequest(): Promise<Revision> {
    return Promise.reject(this.#readOnly());
  }

  writeSnapshot(): Promise<void> {
    return Promise.reject(this.#readOnly());
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  #shrunk(at: number): TidemarkError {
    return new JournalFailure(
      'corrupt',
      `${this.#file} was cut at byte ${at} while it was read. Use another copy.`,
      { fields: { path: this.#file, at } },
    );
  }

  #readOnly(): TidemarkError {
    return new TidemarkError(
      'REQUEST_REFUSED',
      `${this.#file} is a copy of a journal, which is only read. Nothing was written.`,
      { fields: { path: this.#file } },
    );
  }
}
