/**
 * The portable file of a job's journal: an export, and the backup of a journal that has none of its own. It
 * consists of JSON lines. The first line identifies the journal, each entry has a line, and the last line has
 * their number. Each line contains the SHA-256 of the previous one, so that a file that was cut, changed or
 * spliced is detected.
 */
import { hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { blocksOf, DamagedBlock, type Block, type Blocks } from './blocks.ts';
import { BackupTally, type BackupFound, type OnBackupProgress } from './check.ts';
import type { TidemarkError } from '../errors.ts';
import { JournalFailure } from '../failure.ts';
import { openExisting } from './existingFile.ts';
import { JOB_NAME_PATTERN, JOURNAL_ID_PATTERN, NO_HASH, type Subject } from '../ids.ts';
import type { Revision } from '../port.ts';

/** 1: plain lines. 2: the same lines, compressed. */
export const PORTABLE_FORMAT = 2;

const headerSchema = z.object({
  tidemark: z.literal('journal-backup'),
  format: z.number().int(),
  job: z.string().regex(JOB_NAME_PATTERN),
  journalId: z.string().regex(JOURNAL_ID_PATTERN),
  prev: z.literal(NO_HASH as string),
});
const entrySchema = z.object({
  subject: z.string(),
  revision: z.number().int().positive(),
  /** Base64. */
  entry: z.string(),
  prev: z.string(),
});
const endSchema = z.object({ entries: z.number().int().nonnegative(), prev: z.string() });

export type PortableHeader = Omit<z.infer<typeof headerSchema>, 'prev'>;

export interface PortableEntry {
  readonly subject: Subject;
  readonly revision: Revision;
  readonly bytes: Uint8Array;
}

/** Builds the lines, each with its line feed. */
export class PortableWriter {
  #prev: string = NO_HASH;
  #entries = 0;

  header(header: PortableHeader): string {
    return this.#line(header);
  }

  entry({ subject, revision, bytes }: PortableEntry): string {
    this.#entries += 1;
    return this.#line({ subject, revision, entry: Buffer.from(bytes).toString('base64') });
  }

  end(): string {
    return this.#line({ entries: this.#entries });
  }

  #line(content: object): string {
    const text = JSON.stringify({ ...content, prev: this.#prev });
    this.#prev = hash('sha256', text, 'hex');
    return `${text}\n`;
  }
}

export interface PortableReading {
  readonly header: (header: PortableHeader) => void;
  /** `at`: position of its block. */
  readonly entry: (entry: PortableEntry, at: number) => Promise<void> | void;
  readonly onProgress: OnBackupProgress;
}

/**
 * Reads the whole file. Rejects with JOURNAL_CORRUPT if a line is damaged or missing, or if the end line is
 * not the last.
 */
export async function readPortable(file: string, reading: PortableReading): Promise<BackupFound> {
  const handle = await openExisting(file);
  try {
    return await readPortableFrom(handle, file, reading);
  } finally {
    await handle.close();
  }
}

/** The same, of an open file; `file` is its name, for errors. */
export async function readPortableFrom(
  handle: FileHandle,
  file: string,
  { header, entry, onProgress }: PortableReading,
): Promise<BackupFound> {
  const tally = new BackupTally(onProgress);
  const blocks = await blocksOf(handle);
  const check = new LineCheck(file, blocks);
  for (let at = 0; ;) {
    const block = await readBlock(blocks, at, file);
    if (block === null) return tally.found(check.finish().journalId);
    at = block.next;
    for (const text of block.lines) {
      const line = check.next(text);
      if (line.type === 'header') header(line.header);
      if (line.type !== 'entry') continue;
      tally.add(line.entry.subject, line.entry.bytes.byteLength);
      await entry(line.entry, block.at);
    }
  }
}

/** Rejects with JOURNAL_CORRUPT if there is no whole block at this position. Null at the end of the file. */
export async function readBlock(blocks: Blocks, at: number, file: string): Promise<Block | null> {
  try {
    return await blocks.read(at);
  } catch (cause) {
    if (!(cause instanceof DamagedBlock)) throw cause;
    throw damaged(file, `The block at byte ${at} of ${file} ${cause.message}`, { at }, cause);
  }
}

/** The entry of a parsed line; null if the line holds none. */
export function entryOf(line: unknown): PortableEntry | null {
  const { data } = entrySchema.safeParse(line);
  if (data === undefined) return null;
  const { subject, revision, entry } = data;
  return { subject: subject as Subject, revision, bytes: Buffer.from(entry, 'base64') };
}

type Line =
  | { readonly type: 'header'; readonly header: PortableHeader }
  | { readonly type: 'entry'; readonly entry: PortableEntry }
  | { readonly type: 'end' };

/** Checks each line against the one before it. */
class LineCheck {
  readonly #file: string;
  readonly #blocks: Blocks;
  #prev: string = NO_HASH;
  #number = 0;
  #header: PortableHeader | null = null;
  #entries = 0;
  #isOver = false;

  constructor(file: string, blocks: Blocks) {
    this.#file = file;
    this.#blocks = blocks;
  }

  /** Throws JOURNAL_CORRUPT, or JOURNAL_NEWER for the header of a newer format. */
  next(text: string): Line {
    this.#number += 1;
    if (this.#isOver) throw this.#damaged('stands behind the last');
    const line = parseLine(text);
    if (line?.['prev'] !== this.#prev) throw this.#damaged('does not continue the one before it');
    this.#prev = hash('sha256', text, 'hex');
    if (this.#header === null) {
      this.#header = this.#headerOf(line);
      return { type: 'header', header: this.#header };
    }
    const entry = entryOf(line);
    if (entry !== null) {
      this.#entries += 1;
      return { type: 'entry', entry };
    }
    this.#isOver = endSchema.safeParse(line).data?.entries === this.#entries;
    if (!this.#isOver) throw this.#damaged('is no entry, nor the end');
    return { type: 'end' };
  }

  /** The header of a file that is at its end. Throws JOURNAL_CORRUPT if the end line was not the last. */
  finish(): PortableHeader {
    this.#number += 1;
    if (this.#header === null || !this.#isOver) throw this.#damaged('is missing: the file was cut');
    return this.#header;
  }

  #headerOf(line: Record<string, unknown>): PortableHeader {
    const { data } = headerSchema.safeParse(line);
    if (data === undefined) throw this.#damaged('is not the head of a backup');
    if (data.format > PORTABLE_FORMAT) {
      throw new JournalFailure(
        'newer',
        `The backup ${this.#file} has format ${data.format}; this Tidemark reads up to ${PORTABLE_FORMAT}. ` +
          'Upgrade.',
      );
    }
    if (data.format > 1 !== this.#blocks.isCompressed) throw this.#damaged('is that of another format');
    return data;
  }

  #damaged(what: string): TidemarkError {
    const line = this.#number;
    return damaged(this.#file, `Line ${line} of ${this.#file} ${what}`, { line });
  }
}

/** Null if the line is no JSON object. */
export function parseLine(text: string): Record<string, unknown> | null {
  try {
    const raw: unknown = JSON.parse(text);
    return typeof raw === 'object' ? (raw as Record<string, unknown> | null) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function damaged(
  file: string,
  what: string,
  at: Readonly<Record<string, number>>,
  cause?: unknown,
): TidemarkError {
  return new JournalFailure(
    'corrupt',
    `${what}: it is no whole export, nor a backup of this form. Use another one.`,
    { fields: { path: file, ...at }, cause },
  );
}
