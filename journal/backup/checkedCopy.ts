/**
 * A portable file that was checked from its first byte to its last, to be put into the place of a journal.
 * What it says is read more than once, and compared with the first time.
 */
import { hash, createHash, type Hash } from 'node:crypto';
import { BackupTally, isRequestSubject, type BackupFound, type OnBackupProgress } from './check.ts';
import { JournalFailure } from '../failure.ts';
import type { JobName, JournalId, Subject } from '../ids.ts';
import { inOrder } from './portable.ts';
import type { Journal, Revision, StoredEntry } from '../port.ts';
import { ChainCheck } from '../replay.ts';
import { RequestsTakenUp } from './requestsTakenUp.ts';
import { jobPrefix, jobSubject, partitionOf, partitionSubject, requestSubject } from '../subjects.ts';

export interface CheckedSubject {
  readonly subject: Subject;
  readonly entries: number;
  /** How many of them are requests that were taken up. */
  readonly takenUp: number;
}

export interface LargestEntry {
  readonly subject: Subject;
  readonly revision: Revision;
  readonly bytes: number;
}

export interface CheckedCopy {
  /** Path of the file. */
  readonly file: string;
  readonly job: JobName;
  readonly journalId: JournalId;
  readonly found: BackupFound;
  /** SHA-256 of everything that is imported, as hex digits: the same for the same journal. */
  readonly digest: string;
  /** The highest revision of an entry, or of a request that was taken up. */
  readonly lastRevision: Revision;
  readonly largest: LargestEntry;
  /** In the order of the import: the job's own subject comes last. */
  readonly subjects: readonly CheckedSubject[];
  isTakenUp(subject: Subject, revision: Revision): boolean;
  /** All entries of a subject. Rejects with JOURNAL_CORRUPT if they are not those that were checked. */
  read(subject: Subject): AsyncIterable<readonly StoredEntry[]>;
}

export interface CopyChecking {
  readonly file: string;
  readonly job: JobName;
  readonly onProgress: OnBackupProgress;
  readonly signal: AbortSignal;
}

/**
 * Reads all of `journal`, which is that file. Rejects with JOURNAL_CORRUPT if an entry is damaged, missing or
 * in no subject of the job, JOURNAL_NEWER if only a later version can read one, and with the signal's reason.
 */
export async function checkCopy(journal: Journal, checking: CopyChecking): Promise<CheckedCopy> {
  const { file, job, onProgress, signal } = checking;
  const tally = new BackupTally(onProgress);
  const takenUp = new RequestsTakenUp(job);
  const parts = new Map<Subject, SubjectCheck>();
  for (const subject of inOrder(await journal.subjects(''), job)) {
    refuseForeign(subject, checking);
    const part = new SubjectCheck(subject);
    parts.set(subject, part);
    for await (const batch of journal.read(subject, 0)) {
      signal.throwIfAborted();
      for (const stored of batch) {
        part.next(stored, takenUp);
        tally.add(subject, stored.bytes.byteLength);
      }
    }
  }
  const checks = [...parts.values()];
  const digests = new Map(checks.map(({ subject, digest }) => [subject, digest()]));
  return {
    ...{ file, job, journalId: journal.id, found: tally.found(journal.id) },
    digest: hash('sha256', JSON.stringify([job, journal.id, ...digests]), 'hex'),
    lastRevision: Math.max(takenUp.last, ...checks.map(({ lastRevision }) => lastRevision)),
    largest: largestOf(checks),
    subjects: checks.map((check) => check.found(takenUp)),
    isTakenUp: (subject, revision) => takenUp.has(subject, revision),
    read: (subject) => sameAsChecked(journal, subject, digests.get(subject) ?? '', file),
  };
}

/** What one pass over a subject finds. */
class SubjectCheck {
  readonly subject: Subject;
  readonly #chain: ChainCheck | null;
  readonly #hash = createHash('sha256');
  readonly #requests: Revision[] = [];
  #entries = 0;
  lastRevision: Revision = 0;
  largest: LargestEntry;

  constructor(subject: Subject) {
    this.subject = subject;
    this.#chain = isRequestSubject(subject) ? null : new ChainCheck(subject);
    this.largest = { subject, revision: 0, bytes: 0 };
  }

  next(stored: StoredEntry, takenUp: RequestsTakenUp): void {
    const { subject } = this;
    const { revision, bytes } = stored;
    if (this.#chain === null) this.#requests.push(revision);
    else takenUp.note(subject, this.#chain.next(stored).entry);
    this.#entries += 1;
    this.lastRevision = revision;
    if (bytes.byteLength > this.largest.bytes) this.largest = { subject, revision, bytes: bytes.byteLength };
    addTo(this.#hash, stored);
  }

  readonly digest = (): string => this.#hash.digest('hex');

  found(takenUp: RequestsTakenUp): CheckedSubject {
    const { subject } = this;
    const answered = this.#requests.filter((revision) => takenUp.has(subject, revision));
    return { subject, entries: this.#entries, takenUp: answered.length };
  }
}

function addTo(sum: Hash, { revision, bytes }: StoredEntry): void {
  sum.update(`${revision} ${bytes.byteLength} `).update(bytes);
}

function largestOf(checks: readonly SubjectCheck[]): LargestEntry {
  return checks
    .map(({ largest }) => largest)
    .reduce((most, largest) => (largest.bytes > most.bytes ? largest : most));
}

async function* sameAsChecked(
  journal: Journal,
  subject: Subject,
  digest: string,
  file: string,
): AsyncGenerator<readonly StoredEntry[]> {
  const sum = createHash('sha256');
  for await (const batch of journal.read(subject, 0)) {
    for (const stored of batch) addTo(sum, stored);
    yield batch;
  }
  if (sum.digest('hex') === digest) return;
  throw new JournalFailure(
    'corrupt',
    `The file ${file} was changed while it was imported: its entries of ${subject} are not those that were ` +
      'checked. Use another copy.',
    { fields: { path: file, subject } },
  );
}

/** A name that the job does not give would never be read, or stand in the way of another job. */
function refuseForeign(subject: Subject, { file, job }: CopyChecking): void {
  if (subject === jobSubject(job)) return;
  if (subject.startsWith(jobPrefix(job))) {
    const tokens = subject.split('.');
    const partition = partitionOf(
      (isRequestSubject(subject)
        ? [tokens[0], 'partition', ...tokens.slice(2)].join('.')
        : subject) as Subject,
    );
    const names =
      partition === null ? [] : [partitionSubject(job, partition), requestSubject(job, partition)];
    if (names.includes(subject)) return;
  }
  throw new JournalFailure(
    'corrupt',
    `The file ${file} holds the subject "${subject}", which is none of the job "${job}". Use another file.`,
    { fields: { path: file, subject } },
  );
}

/** Throws JOURNAL_ENTRY_TOO_LARGE if the journal does not take the largest entry. */
export function refuseTooLarge(
  { largest: { subject, revision, bytes }, file }: CheckedCopy,
  limit: { readonly bytesMax: number; readonly of: string; readonly help: string },
): void {
  if (bytes <= limit.bytesMax) return;
  throw new JournalFailure(
    'entryTooLarge',
    `The entry of ${subject} at revision ${revision} in ${file} has ${bytes} bytes, which are over ` +
      `the limit of ${limit.bytesMax} of ${limit.of}: ${limit.help}. Nothing was written.`,
    { fields: { path: file, subject, revision, bytes, bytesMax: limit.bytesMax } },
  );
}
