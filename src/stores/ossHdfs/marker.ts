/**
 * The marker that binds a destination to a journal: the file `<sink>/.tidemark/<job>`. Its first complete
 * line is the journal's id. It is created without overwriting, so one claimer writes it. If that claimer dies
 * before its line is complete, the next one takes the lease and appends its own line. Nothing is ever cut
 * off, so a complete line is permanent.
 */
import { TidemarkError } from '../../../journal/errors.ts';
import { JournalFailure } from '../../../journal/failure.ts';
import { journalId, type JobName, type JournalId } from '../../../journal/ids.ts';
import { isJindoError, outcomeUnknown, unavailable } from './errors.ts';
import { JindoOpenFile } from './openFile.ts';
import { chunksOf } from './content.ts';
import { untilClosed, type JindoConnection } from './resume.ts';

const MARKER_FOLDER = '.tidemark';
const MARKER_BYTES_MAX = 64 * 1024;
const CLAIM_TRIES = 30;
/** How long another claimer may take to write its line before its lease is taken away. */
const WRITER_PATIENCE_MS = 3_000;
const LOOK_AGAIN_MS = 50;

/** State of the marker: absent, complete, or begun with `length` bytes. `isOpen`: a claimer is writing it. */
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
      // The visible length of an open file proves nothing.
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
    for await (const chunk of chunksOf(this.#connection.client, this.#path, length))
      chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString('utf8');
  }

  /** The id in the first complete line that is not empty. Null if there is none. */
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
    return new JournalFailure(
      'replaced',
      `${this.#uri} is to hold the id of the job's journal, and ${how}. Somebody changed it. ` +
        'Find out which journal wrote there (tidemark status shows the id) and leave only that one.',
      { affected: { files: [this.#uri] } },
    );
  }

  /**
   * The writer has died or is late. Takes its lease away, looks again, and appends if the line is still
   * incomplete.
   */
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

  /**
   * Creates the marker, or appends at `position`. The caller reads it again to learn who won: another claimer
   * may have been first.
   */
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
      // Read under the lease: any write since the last look has made the file longer.
      const isAsSeen = position === null || (await file.position()) === position;
      if (isAsSeen) await file.write(Buffer.from(`${position === null ? '' : '\n'}${id}\n`));
      await file.closeForCommit();
    } catch (cause) {
      await file.abandon();
      const reason = cause instanceof TidemarkError ? cause.cause : cause;
      // Another claimer has taken the lease. The next look shows what it wrote.
      if (!isJindoError(reason, 'leaseExpired', 'notFound')) throw cause;
    }
  }
}
