/** What `tidemark doctor` checks of an embedded journal: the place of its file, and the file. */
import { constants } from 'node:fs';
import * as nodeFs from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { check, fail, pass, warn, type Check, type Finding, type Probe } from '../../kernels/checks/check.ts';
import { fileSystemKind, roomFinding } from '../../kernels/checks/disk.ts';
import { bytesText, durationText } from '../../kernels/checks/sizes.ts';
import { isJournalFailure } from '../failure.ts';
import { jobName } from '../ids.ts';
import { jobSubject } from '../subjects.ts';
import { failedRead } from './errors.ts';
import { missingJournal, openJournalFile } from './file.ts';
import { openSqliteJournal, realPath } from './journal.ts';

/** Calls of node:fs/promises that the probe makes. Tests inject faults. */
export type ProbedFileSystem = Pick<typeof nodeFs, 'access' | 'mkdir' | 'rm' | 'rmdir' | 'stat' | 'statfs'>;

export interface SqliteProbing {
  /** Of the journal's file. */
  readonly path: string;
  readonly scratchId: string;
  readonly fileSystem?: ProbedFileSystem;
}

const APPENDS = 5;
const SLOW_APPEND_MS = 100;
/** SQLite reads all of it in one call, during which nothing else runs: about a second. */
const CHECKED_BYTES_MAX = 512 * 1024 * 1024;

export function sqliteProbe({ path, scratchId, fileSystem = nodeFs }: SqliteProbing): Probe {
  const probe = new SqliteProbe(fileSystem, realPath(path), scratchId);
  return { checks: probe.checks, isAway: () => false, close: () => probe.close() };
}

class SqliteProbe {
  readonly #fs: ProbedFileSystem;
  readonly #path: string;
  /** A folder beside the journal. */
  readonly #scratch: string;
  /** It, and those above it that were not there, from the top. Null: nothing was made. */
  #missing: readonly string[] | null = null;

  constructor(fs: ProbedFileSystem, path: string, scratchId: string) {
    this.#fs = fs;
    this.#path = path;
    this.#scratch = join(dirname(path), `_probe-${scratchId}`);
  }

  readonly checks: readonly Check[] = [
    check('sqlite-folder', [], () => this.#folder()),
    check('sqlite-file-system', ['sqlite-folder'], () => this.#fileSystem()),
    check('sqlite-disk', ['sqlite-folder'], async () => roomFinding(await this.#stats(), this.#standing)),
    check('sqlite-write', ['sqlite-folder'], () => this.#write()),
    check('sqlite-file', ['sqlite-folder'], () => this.#file()),
    check('sqlite-content', ['sqlite-file'], () => this.#content()),
  ];

  async #folder(): Promise<Finding> {
    const missing: string[] = [];
    let folder = this.#scratch;
    for (; !(await this.#isThere(folder)); folder = dirname(folder)) missing.unshift(folder);
    this.#missing = missing;
    try {
      await this.#fs.access(folder, constants.W_OK | constants.X_OK);
    } catch (error) {
      return fail(
        `${folder} may not be written: ${reasonOf(error)}`,
        'Give the user that runs Tidemark the right to write there, or correct journal.sqlite.path.',
      );
    }
    return pass(`${folder} may be written`);
  }

  async #isThere(path: string): Promise<boolean> {
    try {
      await this.#fs.stat(path);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw failedRead(error, this.#path);
    }
  }

  async #fileSystem(): Promise<Finding> {
    const { name, nature } = fileSystemKind(await this.#stats());
    switch (nature) {
      case 'network':
        return fail(
          `${name}: a network file system, on which SQLite's log does not work`,
          'Put the journal on a local disk (journal.sqlite.path), or use a NATS journal.',
        );
      case 'memory':
        return fail(
          `${name}: in memory`,
          'The journal is gone when the machine restarts: put it on a disk (journal.sqlite.path).',
        );
      case 'layer':
        return warn(
          `${name}: the writable layer of a container`,
          'The journal is gone with the container: mount a volume there.',
        );
      case 'linkless':
      case 'disk':
      case 'unknown':
        return pass(name);
    }
  }

  /** A whole journal of its own beside the job's: WAL, synchronous = FULL, folders flushed, an owner. */
  async #write(): Promise<Finding> {
    const path = join(this.#scratch, 'journal.db');
    const journal = await openSqliteJournal({ path, access: 'own', createIfMissing: true });
    const subject = jobSubject(jobName('doctor'));
    const took: number[] = [];
    try {
      let revision = 0;
      for (let count = 0; count < APPENDS; count += 1) {
        const startMs = performance.now();
        const outcome = await journal.append(
          subject,
          revision,
          Buffer.from(`entry ${count} of tidemark doctor`),
        );
        took.push(performance.now() - startMs);
        if (outcome.type !== 'appended') throw failedRead('cause' in outcome ? outcome.cause : null, path);
        revision = outcome.revision;
      }
    } finally {
      await journal.close();
    }
    const medianMs = took.toSorted((a, b) => a - b)[Math.floor(APPENDS / 2)] ?? 0;
    const found = `a journal was made there, and a durable append takes ${durationText(medianMs)}`;
    return medianMs < SLOW_APPEND_MS
      ? pass(found)
      : warn(found, 'Each part file and checkpoint takes some appends: put the journal on a faster disk.');
  }

  async #file(): Promise<Finding> {
    if (!(await this.#isThere(this.#path))) {
      const missing = missingJournal(this.#path);
      if (isJournalFailure(missing, 'importUnfinished')) throw missing;
      return pass(`${this.#path} is not there yet: the first run makes it`);
    }
    const { id, db } = openJournalFile(this.#path, 'read');
    db.close();
    const { size, nlink } = await this.#fs.stat(this.#path);
    if (nlink > 1)
      return fail(
        `${this.#path} has ${nlink} names (hard links), and may have an owner under each`,
        'Remove the other names. To copy a journal use `tidemark journal backup`.',
      );
    try {
      await this.#fs.access(this.#path, constants.W_OK);
    } catch (error) {
      return fail(
        `${this.#path} may not be written: ${reasonOf(error)}`,
        'Make the user that runs Tidemark the owner of the journal and of the files beside it.',
      );
    }
    return pass(`${this.#path} is journal ${id}, ${bytesText(size)}`);
  }

  async #content(): Promise<Finding> {
    if (!(await this.#isThere(this.#path))) return pass('there is nothing to read yet');
    const { size } = await this.#fs.stat(this.#path);
    if (size > CHECKED_BYTES_MAX)
      return pass(`not read, since it has ${bytesText(size)}: \`tidemark journal verify\` reads all of it`);
    const url = pathToFileURL(this.#path);
    url.searchParams.set('mode', 'ro');
    const db = new DatabaseSync(url, { readOnly: true });
    try {
      const row = db.prepare('PRAGMA quick_check(1)').get();
      const answer = String(row === undefined ? '' : Object.values(row)[0]);
      return answer === 'ok'
        ? pass('SQLite finds its pages and tables in order')
        : fail(`${basename(this.#path)} is damaged: ${answer}`, 'Restore it: `tidemark journal restore`.');
    } catch (cause) {
      throw failedRead(cause, this.#path);
    } finally {
      db.close();
    }
  }

  #stats() {
    return this.#fs.statfs(this.#standing);
  }

  /** The lowest folder that was there before the first check. */
  get #standing(): string {
    return dirname(this.#missing?.[0] ?? this.#scratch);
  }

  async close(): Promise<void> {
    if (this.#missing === null) return;
    await this.#fs.rm(this.#scratch, { recursive: true, force: true });
    for (const folder of this.#missing.toReversed()) {
      try {
        await this.#fs.rmdir(folder);
      } catch (error) {
        // Somebody else uses it meanwhile, or it was never made.
        const { code = '' } = error as NodeJS.ErrnoException;
        if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(code)) throw error;
      }
    }
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';
