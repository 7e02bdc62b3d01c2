import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeBlock } from '../../../../journal/backup/blocks.ts';
import { checkCopy, refuseTooLarge } from '../../../../journal/backup/checkedCopy.ts';
import { PORTABLE_FORMAT, PortableWriter } from '../../../../journal/backup/portableFile.ts';
import { journalId, type Subject } from '../../../../journal/ids.ts';
import { createMemoryBacking, createMemoryJournal } from '../../../../journal/memory/journal.ts';
import { jobSubject } from '../../../../journal/subjects.ts';
import { chain, JOB, requestsOf, subjectOf } from '../fixtures.ts';
import { exported, fillWithRequests, noProgress, requestBytes, withCopy } from '../imported.ts';

let folder = '';
let file = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tidemark-copy-'));
  file = path.join(folder, 'clicks.journal');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A whole file of these entries, by its lines at least. */
function write(entries: readonly (readonly [Subject, Uint8Array])[]): void {
  const lines = new PortableWriter();
  const header = { tidemark: 'journal-backup', format: PORTABLE_FORMAT, job: JOB } as const;
  const text = [lines.header({ ...header, journalId: journalId('the-journal') })];
  entries.forEach(([subject, bytes], at) => text.push(lines.entry({ subject, revision: at + 1, bytes })));
  writeFileSync(file, encodeBlock([...text, lines.end()]));
}

const checked = () => withCopy(file, async (copy) => copy);
const corrupt = (text: string) => ({
  code: 'JOURNAL_CORRUPT',
  message: expect.stringContaining(text) as string,
});

describe('a copy that is checked before it is imported', () => {
  test('says what it holds: the last revision, the largest entry, which requests were taken up', async () => {
    const journal = createMemoryJournal({ backing: createMemoryBacking() });
    const { answered, waiting } = await fillWithRequests(journal, 5);
    await exported(journal, file);
    const copy = await checked();
    expect(copy.subjects.map(({ subject, takenUp }) => [subject, takenUp])).toEqual([
      [subjectOf(), 0],
      [requestsOf(), 1],
      [jobSubject(JOB), 0],
    ]);
    expect([copy.isTakenUp(requestsOf(), answered), copy.isTakenUp(requestsOf(), waiting)]).toEqual([
      true,
      false,
    ]);
    expect(copy.found.entries).toBe(copy.lastRevision);
    expect(() => refuseTooLarge(copy, { bytesMax: copy.largest.bytes, of: 'x', help: 'y' })).not.toThrow();
    expect(() => refuseTooLarge(copy, { bytesMax: copy.largest.bytes - 1, of: 'x', help: 'y' })).toThrow(
      `revision ${copy.largest.revision}`,
    );
  });

  test('has the digest of every copy of the same journal, and of no other', async () => {
    const journal = createMemoryJournal({ backing: createMemoryBacking() });
    await fillWithRequests(journal, 5);
    const digests: string[] = [];
    for (let time = 0; time < 3; time += 1) {
      if (time === 2) await journal.fileRequest(requestsOf(), requestBytes('roll'));
      await exported(journal, file);
      digests.push((await checked()).digest);
    }
    expect(digests[1]).toBe(digests[0]);
    expect(digests[2]).not.toBe(digests[0]);
  });

  test('is refused where an entry is missing or changed, though its lines are whole', async () => {
    const [first, second, third] = chain(3) as [Uint8Array, Uint8Array, Uint8Array];
    write([
      [subjectOf(), first],
      [subjectOf(), third],
    ]);
    await expect(checked()).rejects.toMatchObject(corrupt('counts 3 where 2 is due'));
    write([
      [subjectOf(), first],
      [subjectOf(), chain(2, (entry) => ({ ...entry, at: 'x' }))[1] ?? first],
    ]);
    await expect(checked()).rejects.toMatchObject(corrupt('does not continue'));
    write([
      [subjectOf(), first],
      [subjectOf(), second],
      [subjectOf(), third],
    ]);
    expect(await checked()).toMatchObject({ found: { entries: 3 }, lastRevision: 3 });
  });

  test.each(['other.partition.events.0', 'clicks.partition.events.*', 'clicks.request.events', 'clicks.x.>'])(
    'is refused where it holds the subject %s',
    async (foreign) => {
      const [first] = chain(1) as [Uint8Array];
      write([
        [subjectOf(), first],
        [foreign as Subject, first],
      ]);
      await expect(checked()).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
    },
  );

  test('is not checked to its end where it is interrupted', async () => {
    const journal = createMemoryJournal({ backing: createMemoryBacking() });
    await fillWithRequests(journal, 5);
    const signal = AbortSignal.abort();
    const checking = { file, job: JOB, onProgress: noProgress, signal };
    await expect(checkCopy(journal, checking)).rejects.toBe(signal.reason);
  });
});
