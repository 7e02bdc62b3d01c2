import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { BLOCK_BYTES, blocksOf, encodeBlock } from '../../../../journal/backup/blocks.ts';
import { backupPortable } from '../../../../journal/backup/portable.ts';
import { PortableWriter, readPortable, type PortableEntry } from '../../../../journal/backup/portableFile.ts';
import { openPortableJournal } from '../../../../journal/backup/portableJournal.ts';
import { hasCode } from '../../../../journal/errors.ts';
import { jobName, type Subject } from '../../../../journal/ids.ts';
import { createMemoryJournal } from '../../../../journal/memory/journal.ts';
import type { Journal } from '../../../../journal/port.ts';
import { jobSubject } from '../../../../journal/subjects.ts';
import { chain, JOB, readAll, replayAll, requestsOf, subjectOf } from '../fixtures.ts';

/** As a version before the compressed format wrote it. */
const FORMAT_1 = path.resolve(import.meta.dirname, '../../../golden/portable/format-1.backup');
const subject = subjectOf();
const onProgress = (): void => undefined;

function folderOfTest(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-portable-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function journalOfJob(entries = 6): Promise<Journal> {
  const journal = createMemoryJournal();
  await journal.fileRequest(jobSubject(JOB), chain(1)[0] ?? new Uint8Array());
  for (const bytes of chain(entries)) await journal.fileRequest(subject, bytes);
  await journal.fileRequest(requestsOf(), Uint8Array.from([0xff, 0x00, 0x0a]));
  return journal;
}

async function exported(journal: Journal): Promise<string> {
  const file = path.join(folderOfTest(), 'journal.export');
  await backupPortable({ journal, job: JOB, file, force: false, onProgress });
  return file;
}

async function entriesOf(file: string): Promise<PortableEntry[]> {
  const entries: PortableEntry[] = [];
  await readPortable(file, {
    header: () => undefined,
    entry: (entry) => void entries.push(entry),
    onProgress,
  });
  return entries;
}

/** The lines, and the lengths of the blocks that hold them. */
async function plainOf(file: string): Promise<{ readonly lines: string[]; readonly blocks: number[] }> {
  const handle = await open(file);
  try {
    const blocks = await blocksOf(handle);
    const [lines, lengths]: [string[], number[]] = [[], []];
    for (let block = await blocks.read(0); block !== null; block = await blocks.read(block.next)) {
      lines.push(...block.lines);
      lengths.push(block.next - block.at);
    }
    return { lines, blocks: lengths };
  } finally {
    await handle.close();
  }
}

const compressed = (lines: readonly string[]): Uint8Array => encodeBlock(lines.map((line) => `${line}\n`));
const plain = (lines: readonly string[]): Uint8Array =>
  Buffer.from(lines.map((line) => `${line}\n`).join(''));
const opened = (file: string, job = JOB): Promise<Journal> => openPortableJournal({ file, job, onProgress });

/** How reading the file ends: the code of the error, or `whole`. */
async function outcome(file: string, bytes: Uint8Array): Promise<string> {
  writeFileSync(file, bytes);
  try {
    await entriesOf(file);
    return 'whole';
  } catch (error) {
    if (hasCode(error, 'JOURNAL_CORRUPT', 'JOURNAL_NEWER')) return error.code;
    throw error;
  }
}

describe('a portable file', () => {
  test('holds every subject of the job byte for byte, the job’s own last', async () => {
    const journal = await journalOfJob();
    const file = path.join(folderOfTest(), 'journal.export');
    const found = await backupPortable({ journal, job: JOB, file, force: false, onProgress });
    expect(found).toMatchObject({ journalId: journal.id, entries: 8, partitions: 1 });
    const entries = await entriesOf(file);
    const of = (name: string): Uint8Array[] =>
      entries.filter((entry) => entry.subject === name).map(({ bytes }) => Uint8Array.from(bytes));
    for (const name of [subject, requestsOf(), jobSubject(JOB)])
      expect(of(name)).toEqual(await readAll(journal, name));
    expect(entries.at(-1)?.subject).toBe(jobSubject(JOB));
    expect(readdirSync(path.dirname(file))).toEqual(['journal.export']);
  });

  test('of a long journal has many blocks, and takes a fraction of its size', async () => {
    const journal = await journalOfJob(3_000);
    const file = await exported(journal);
    const { lines, blocks } = await plainOf(file);
    const plainBytes = lines.reduce((sum, line) => sum + line.length + 1, 0);
    expect(blocks.length).toBe(Math.ceil(plainBytes / (BLOCK_BYTES + 1_000)));
    expect(blocks.length).toBeGreaterThan(5);
    expect(statSync(file).size).toBeLessThan(plainBytes / 3);
  });

  test('in any format: any line gone, changed, doubled or added is found', async () => {
    const { lines } = await plainOf(await exported(await journalOfJob()));
    const old = readFileSync(FORMAT_1, 'utf8').trimEnd().split('\n');
    for (const [whole, encode] of [[lines, compressed] as const, [old, plain] as const]) {
      const file = path.join(folderOfTest(), 'harmed');
      const line = (at: number): string => whole[at] ?? '';
      const harms = whole.flatMap((_, at) => [
        whole.toSpliced(at, 1),
        whole.toSpliced(at, 0, line(at)),
        whole.with(at, line(at).replace('"prev":"', '"prev":"0')),
        whole.slice(0, at),
        whole.with(at, `${line(at).slice(0, -1)},"more":1}`),
      ]);
      expect(await outcome(file, encode(whole))).toBe('whole');
      // What the last line holds beside its count is covered by nothing behind it, and means nothing.
      for (const harm of harms.slice(0, -1))
        expect(await outcome(file, encode(harm))).toBe('JOURNAL_CORRUPT');
    }
  });

  test('of which any bit was turned over, or that was cut anywhere, is found', async () => {
    const file = await exported(await journalOfJob(3));
    const whole = readFileSync(file);
    // Of each byte one bit after the other in turn; of the block's head each.
    const step = (at: number): number => (at < 44 * 8 ? 1 : 9);
    for (let bit = 0; bit < whole.byteLength * 8; bit += step(bit)) {
      const flipped = Uint8Array.from(whole);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(await outcome(file, flipped), `bit ${bit}`).toBe('JOURNAL_CORRUPT');
    }
    for (let length = 0; length < whole.byteLength; length += 7)
      expect(await outcome(file, whole.subarray(0, length)), `${length} bytes`).toBe('JOURNAL_CORRUPT');
  });

  test('whose blocks were swapped, doubled or left out is found', async () => {
    const file = await exported(await journalOfJob(1_500));
    const { blocks } = await plainOf(file);
    const whole = readFileSync(file);
    let at = 0;
    const parts = blocks.map((length) => whole.subarray(at, (at += length)));
    expect(parts.length).toBeGreaterThan(3);
    const [a, b, ...rest] = parts as [Buffer, Buffer, ...Buffer[]];
    for (const harm of [[b, a, ...rest], [a, a, b, ...rest], [a, ...rest], parts.slice(0, -1)])
      expect(await outcome(file, Buffer.concat(harm))).toBe('JOURNAL_CORRUPT');
  });

  test('that is no portable file is told so', async () => {
    const file = path.join(folderOfTest(), 'other');
    for (const bytes of [Buffer.from('{}\n'), Buffer.from('what else'), Buffer.alloc(100)])
      expect(await outcome(file, bytes)).toBe('JOURNAL_CORRUPT');
  });

  test('of a newer format asks for an upgrade; a format in the clothes of another is none', async () => {
    const file = path.join(folderOfTest(), 'newer');
    const of = (format: number): string[] => {
      const lines = new PortableWriter();
      return [
        lines.header({ tidemark: 'journal-backup', format, job: JOB, journalId: 'journal-1' }).trimEnd(),
        lines.end().trimEnd(),
      ];
    };
    expect(await outcome(file, compressed(of(3)))).toBe('JOURNAL_NEWER');
    expect(await outcome(file, compressed(of(2)))).toBe('whole');
    expect(await outcome(file, compressed(of(1)))).toBe('JOURNAL_CORRUPT');
    expect(await outcome(file, plain(of(2)))).toBe('JOURNAL_CORRUPT');
    expect(await outcome(file, plain(of(1)))).toBe('whole');
  });

  test('of a journal that is damaged: refused, and no file is left', async () => {
    const journal = createMemoryJournal();
    for (const bytes of chain(5).toSpliced(2, 1)) await journal.fileRequest(subject, bytes);
    const folder = folderOfTest();
    const file = path.join(folder, 'journal.export');
    const writing = { journal, job: JOB, file, force: false, onProgress };
    await expect(backupPortable(writing)).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('takes the place of a file only if it is told to, and says where it cannot be written', async () => {
    const journal = await journalOfJob();
    const file = await exported(journal);
    const writing = { journal, job: JOB, file, force: false, onProgress };
    await expect(backupPortable(writing)).rejects.toMatchObject({
      code: 'REQUEST_REFUSED',
      fields: { path: file },
    });
    await backupPortable({ ...writing, force: true });
    const nowhere = path.join(folderOfTest(), 'none', 'journal.export');
    await expect(backupPortable({ ...writing, file: nowhere })).rejects.toMatchObject({
      code: 'REQUEST_REFUSED',
      fields: { path: nowhere },
    });
  });
});

describe('a portable file as a journal', () => {
  test.each(['of today', 'of format 1'])('%s reads as the journal does', async (age) => {
    const journal = await journalOfJob();
    const file = age === 'of today' ? await exported(journal) : path.join(folderOfTest(), 'old');
    if (age !== 'of today') cpSync(FORMAT_1, file);
    const copy = await opened(file);
    expect(copy.id).toBe(journal.id);
    expect(await copy.subjects(`${JOB}.`)).toEqual(await journal.subjects(`${JOB}.`));
    expect(await copy.subjects('other.')).toEqual([]);
    for (const name of [subject, requestsOf(), jobSubject(JOB), 'clicks.partition.none.0' as Subject])
      expect(await readAll(copy, name)).toEqual(await readAll(journal, name));
    const [, , third, ...rest] = await replayAll(copy, subject);
    expect(await replayAll(copy, subject, third?.tail)).toEqual(rest);
    expect(await replayAll(copy, subject, rest.at(-1)?.tail)).toEqual([]);
    await copy.close();
  });

  test('of a long journal is read block by block, each subject from its own first one', async () => {
    const journal = createMemoryJournal();
    const subjects = [0, 1, 2, 3].map((partition) => subjectOf('events', partition));
    const bytes = chain(800);
    for (const name of subjects) for (const entry of bytes) await journal.fileRequest(name, entry);
    const copy = await opened(await exported(journal));
    for (const name of subjects) {
      const batches: number[] = [];
      for await (const batch of copy.read(name, 0))
        batches.push(batch.reduce((sum, { bytes: { byteLength } }) => sum + byteLength, 0));
      expect(batches.length).toBeGreaterThan(1);
      expect(Math.max(...batches)).toBeLessThanOrEqual(BLOCK_BYTES);
      expect(Buffer.concat(await readAll(copy, name)).equals(Buffer.concat(bytes))).toBe(true);
    }
    await copy.close();
  });

  test('is only read, and is that of its own job', async () => {
    const file = await exported(await journalOfJob());
    const copy = await opened(file);
    const refused = { code: 'REQUEST_REFUSED', fields: { path: file } };
    await expect(copy.append(subject, 7, chain(1)[0]!)).rejects.toMatchObject(refused);
    await expect(copy.fileRequest(requestsOf(), chain(1)[0]!)).rejects.toMatchObject(refused);
    await expect(copy.writeSnapshot(subject, chain(1)[0]!)).rejects.toMatchObject(refused);
    await copy.close();
    await expect(opened(file, jobName('other'))).rejects.toMatchObject({ code: 'REQUEST_REFUSED' });
  });

  test('whose entries of one subject are out of order is refused', async () => {
    const lines = new PortableWriter();
    const [one, two] = chain(2) as [Uint8Array, Uint8Array];
    const file = path.join(folderOfTest(), 'disordered');
    const texts = [
      lines.header({ tidemark: 'journal-backup', format: 2, job: JOB, journalId: 'journal-1' }),
      lines.entry({ subject, revision: 9, bytes: one }),
      lines.entry({ subject, revision: 8, bytes: two }),
      lines.end(),
    ];
    writeFileSync(file, encodeBlock(texts));
    await expect(opened(file)).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT', fields: { revision: 8 } });
  });

  test('that is harmed after it was opened is found when it is read', async () => {
    const file = await exported(await journalOfJob(1_500));
    const whole = readFileSync(file);
    const copy = await opened(file);
    const changed = Uint8Array.from(whole);
    changed[Math.floor(whole.byteLength / 2)]! ^= 1;
    for (const harm of [changed, whole.subarray(0, Math.floor(whole.byteLength / 2))]) {
      writeFileSync(file, harm);
      await expect(readAll(copy, subject)).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
    }
    await copy.close();
  });
});
