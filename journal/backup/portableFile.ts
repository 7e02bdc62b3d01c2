/**
 * The portable backup of a job's journal: one file of JSON lines. The first line identifies the journal, each
 * entry has a line, and the last line has their number. Each line contains the SHA-256 of the previous one,
 * so that a file that was cut, changed or spliced is detected.
 */
import { hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { BackupTally, type BackupFound, type OnBackupProgress } from './check.ts';
import type { TidemarkError } from '../errors.ts';
import { JournalFailure } from '../failure.ts';
import { JOB_NAME_PATTERN, JOURNAL_ID_PATTERN, NO_HASH, type Subject } from '../ids.ts';
import type { Revision } from '../port.ts';

export const PORTABLE_FORMAT = 1;

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
  readonly entry: (entry: PortableEntry) => Promise<void> | void;
  readonly onProgress: OnBackupProgress;
}

/**
 * Reads the whole file. Rejects with JOURNAL_CORRUPT if a line is damaged or missing, or if the end line is
 * not the last.
 */
export async function readPortable(file: string, reading: PortableReading): Promise<BackupFound> {
  const tally = new BackupTally(reading.onProgress);
  let prev: string = NO_HASH;
  let number = 0;
  let header: PortableHeader | null = null;
  let entries = 0;
  let isOver = false;
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    number += 1;
    if (isOver) throw damagedLine(file, number, 'stands behind the last');
    const line = parse(text);
    if (line?.['prev'] !== prev) throw damagedLine(file, number, 'does not continue the one before it');
    prev = hash('sha256', text, 'hex');
    if (header === null) {
      header = headerOf(line, file);
      reading.header(header);
      continue;
    }
    const entry = entrySchema.safeParse(line);
    if (entry.success) {
      entries += 1;
      const { subject, revision } = entry.data;
      const bytes = Buffer.from(entry.data.entry, 'base64');
      tally.add(subject as Subject, bytes.byteLength);
      await reading.entry({ subject: subject as Subject, revision, bytes });
      continue;
    }
    isOver = endSchema.safeParse(line).data?.entries === entries;
    if (!isOver) throw damagedLine(file, number, 'is no entry, nor the end');
  }
  if (header === null || !isOver) throw damagedLine(file, number + 1, 'is missing: the file was cut');
  return tally.found(header.journalId);
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const raw: unknown = JSON.parse(text);
    return typeof raw === 'object' ? (raw as Record<string, unknown> | null) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function headerOf(line: Record<string, unknown>, file: string): PortableHeader {
  const { data } = headerSchema.safeParse(line);
  if (data === undefined) throw damagedLine(file, 1, 'is not the head of a backup');
  if (data.format > PORTABLE_FORMAT) {
    throw new JournalFailure(
      'newer',
      `The backup ${file} has format ${data.format}; this Tidemark reads up to ${PORTABLE_FORMAT}. Upgrade.`,
    );
  }
  return data;
}

function damagedLine(file: string, line: number, what: string): TidemarkError {
  return new JournalFailure(
    'corrupt',
    `Line ${line} of ${file} ${what}: it is no whole backup of a NATS journal. Use another one.`,
    { fields: { path: file, line } },
  );
}
