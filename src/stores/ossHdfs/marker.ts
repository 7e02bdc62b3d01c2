/**
 * The marker that binds a destination to a journal: the file `<sink>/.tidemark/<job>`, whose first whole line is the journal's id.
 * It is created without overwriting, so one claimer writes it. Where that one died before its line was whole, the next takes the
 * lease and appends a line of its own; nothing is ever cut off, so that a whole line stands for good.
 */
import { TidemarkError } from '../../../journal/errors.ts';
import { journalId, type JobName, type JournalId } from '../../../journal/ids.ts';
import { isJindoError, outcomeUnknown, unavailable } from './errors.ts';
import { JindoOpenFile } from './openFile.ts';
import { readChunks } from './reading.ts';
import { untilClosed, type JindoConnection } from './resume.ts';

const MARKER_FOLDER = '.tidemark';
const MARKER_BYTES_MAX = 64 * 1024;
const CLAIM_TRIES = 30;
/** For how long another claimer may take to write its line before its lease is taken away. */
const WRITER_PATIENCE_MS = 3_000;
const LOOK_AGAIN_MS = 50;

/** What stands there: nothing, a marker, or the beginning of one, `length` bytes of it, which `isOpen` says is being written. */
type Found =
  | { readonly type: 'absent' }
  | { readonly type: 'whole'; readonly id: JournalId }
  | { readonly type: 'begun'; readonly length: number; readonly isOpen: boolean };

export class Markers {
  readonly #connection: JindoConnection;
  readonly #uri: string;
  readonly #path: string;

  constructor(connection: JindoConnection, sinkUri: string, job: JobName) {
    this.#connection = connection;
    this.#uri = `${sinkUri}/${MARKER_FOLDER}/${job}`;
    this.#path = connection.paths.pathOf(this.#uri);
  }

  async read(): Promise<JournalId | null> {
    const found = await this.#look();
    return found.type === 'whole' ? found.id : null;
  }

  async claim(id: JournalId): Promise<JournalId> {
    const { pacer } = this.#connection;
    let sinceMs = pacer.nowMs();
    for (let attempt = 1; attempt <= CLAIM_TRIES;) {
      const found = await this.#look();
      if (found.type === 'whole') return found.id;
      if (found.type === 'begun' && found.isOpen && pacer.nowMs() - sinceMs < WRITER_PATIENCE_MS) {
        await pacer.pause(LOOK_AGAIN_MS);
        continue;
      }
      attempt += 1;
      await (found.type === 'absent' ? this.#write(null, id) : this.#takeOver(id));
      sinceMs = pacer.nowMs();
    }
    const why = new Error('it kept changing while it was made');
    throw unavailable('make the marker of the journal', this.#uri, why);
  }

  async #look(): Promise<Found> {
    const { client } = this.#connection;
    try {
      const status = await client.status(this.#path);
      if (status === null) return { type: 'absent' };
      if (status.isFolder || status.length > MARKER_BYTES_MAX) throw this.#strange('is none');
      // An open one is not judged by what shows of it.
      const isOpen = (await client.run('isFileClosed', null, this.#path, null)) !== true;
      if (isOpen) return { type: 'begun', length: status.length, isOpen };
      const closed = await client.status(this.#path);
      if (closed === null) return { type: 'absent' };
      const id = this.#wholeLine(await this.#text(closed.length));
      return id === null ? { type: 'begun', length: closed.length, isOpen } : { type: 'whole', id };
    } catch (cause) {
      if (isJindoError(cause, 'notFound')) return { type: 'absent' };
      throw unavailable('read the marker of the journal', this.#uri, cause);
    }
  }

  async #text(length: number): Promise<string> {
    const chunks: Buffer[] = [];
    await readChunks(this.#connection.client, this.#path, length, (chunk) => {
      chunks.push(Buffer.from(chunk));
    });
    return Buffer.concat(chunks).toString('utf8');
  }

  /** The id in the first whole line that is one; a line that was torn stands before it, if at all. */
  #wholeLine(text: string): JournalId | null {
    for (const line of text.split('\n').slice(0, -1)) {
      if (line === '') continue;
      try {
        return journalId(line);
      } catch {
        throw this.#strange(`holds the line "${line.slice(0, 80)}"`);
      }
    }
    return null;
  }

  #strange(how: string): TidemarkError {
    return new TidemarkError(
      'JOURNAL_REPLACED',
      `${this.#uri} is to hold the id of the job's journal, and ${how}. Somebody changed it. Find out which journal wrote there ` +
        '(tidemark status shows the id) and leave only that one.',
      { fields: { files: [this.#uri] } },
    );
  }

  /** Its writer has died, or is late: takes the lease away, looks again, and appends where the line is still not whole. */
  async #takeOver(id: JournalId): Promise<void> {
    try {
      await untilClosed(this.#connection, this.#path, this.#uri);
    } catch (cause) {
      if (isJindoError(cause, 'notFound')) return;
      throw unavailable('take over the marker of the journal', this.#uri, cause);
    }
    const found = await this.#look();
    if (found.type === 'begun' && !found.isOpen) await this.#write(found.length, id);
  }

  /** Creates it, or appends behind `position`. Whether it came to stand is seen by reading it again: somebody else may have been first. */
  async #write(position: number | null, id: JournalId): Promise<void> {
    const { client } = this.#connection;
    let file: JindoOpenFile;
    try {
      const io = await (position === null ? client.create(this.#path) : client.append(this.#path));
      file = new JindoOpenFile(client, this.#uri, io);
    } catch (cause) {
      if (isJindoError(cause, 'exists', 'beingCreated', 'notFound')) return;
      throw outcomeUnknown('make the marker of the journal', this.#uri, cause);
    }
    try {
      // Under the lease: whoever has written since it was looked at has made it longer.
      const isAsSeen = position === null || (await file.position()) === position;
      if (isAsSeen) await file.write(Buffer.from(`${position === null ? '' : '\n'}${id}\n`));
      await file.closeForCommit();
    } catch (cause) {
      await file.abandon();
      const reason = cause instanceof TidemarkError ? cause.cause : cause;
      // Another claimer has taken the lease: what it made of the marker is looked at next.
      if (!isJindoError(reason, 'leaseExpired', 'notFound')) throw cause;
    }
  }
}
