/** What becomes of the files in progress that a rolled-back journal names, by what is at the destination. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { crc64Of } from '../../../kernels/crc64.ts';
import { keepAll, type Keeping } from '../../../src/partition/rolledBackParts.ts';
import { createFileStore } from '../../../src/stores/local/store.ts';

const JOURNALED = Buffer.from('one\ntwo\n');
const MORE = Buffer.from('one\ntwo\nthree\n');

/** A file whose last checkpoint says the journaled bytes; `files` are there. */
function keep(
  status: 'inProgress' | 'pending',
  files: Readonly<Record<string, Buffer>>,
  from: 'journal' | 'witness',
  { temporary = '.hidden', stale }: { readonly temporary?: string; readonly stale?: string } = {},
) {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-rolled-back-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(folder, name), bytes);
  const uri = (name: string): string => pathToFileURL(path.join(folder, name)).href;
  const durable = {
    ...{ length: JOURNALED.length, crc64: crc64Of(JOURNALED), handle: null },
    ...{ records: 2, firstOffset: 0n, lastOffset: 1n },
  };
  const names = {
    finalUri: uri('part-0'),
    temporaryUri: uri(temporary),
    staleUris: stale === undefined ? [] : [uri(stale)],
  };
  const part = { partId: 'a', ...names, durable };
  const copied: string[] = [];
  const keeping = {
    context: {
      ports: { store: createFileStore(), clock: { wallMs: () => 7 }, random: { hexId: () => 'new' } },
    },
    host: { ledger: { parts: () => [{ status, context: part }] } },
    salvage: { copy: async (source: string) => void copied.push(path.basename(source)) },
  };
  return keepAll(keeping as unknown as Keeping, from).then((kept) => ({ ...kept, copied }));
}

describe('a file in progress that a rolled-back journal names', () => {
  it('is as it is under its temporary name', async () => {
    const kept = await keep('inProgress', { '.hidden': MORE }, 'journal');
    expect(kept).toMatchObject({ moves: [], changes: [], missing: [], copied: [] });
  });

  it('that was published since with the journaled bytes is closed as published', async () => {
    for (const from of ['journal', 'witness'] as const) {
      const kept = await keep('inProgress', { 'part-0': JOURNALED }, from);
      expect(kept).toMatchObject({ moves: [], missing: [], copied: [] });
      expect(kept.changes).toMatchObject([{ state: 'pending', length: JOURNALED.length }]);
    }
  });

  it('with more is closed as published, or copied from it if the journal counts', async () => {
    const published = await keep('inProgress', { 'part-0': MORE }, 'witness');
    expect(published.changes).toMatchObject([{ length: MORE.length, crc64: crc64Of(MORE) }]);
    const copied = await keep('inProgress', { 'part-0': MORE }, 'journal');
    expect(copied).toMatchObject({ copied: ['part-0'], missing: [] });
    expect(copied.changes).toMatchObject([{ length: JOURNALED.length }]);
  });

  it('is moved again to the copy that an answer has left which was not journaled to its end', async () => {
    const copy = '.tidemark-a-kept-1';
    const kept = await keep('inProgress', { [copy]: JOURNALED }, 'journal', { stale: copy });
    expect(kept).toMatchObject({ copied: [], missing: [] });
    expect(kept.moves.map(({ toUri }) => path.basename(toUri))).toEqual([copy]);
    expect(kept.changes).toMatchObject([{ state: 'pending', length: JOURNALED.length }]);
    const published = await keep('inProgress', { [copy]: JOURNALED, 'part-0': MORE }, 'witness', {
      stale: copy,
    });
    expect(published.moves).toEqual([]);
    expect(published.changes).toMatchObject([{ length: MORE.length }]);
  });

  it('that was closed as a copy is as it is', async () => {
    const temporary = '.tidemark-a-kept-1';
    const closed = await keep('pending', { [temporary]: JOURNALED }, 'journal', { temporary });
    expect(closed).toMatchObject({ moves: [], changes: [], missing: [] });
  });

  it('is missing if nothing of it is there; one that was closed is not looked for among others', async () => {
    const gone = await keep('inProgress', {}, 'journal');
    expect(gone.missing.map((uri) => path.basename(uri))).toEqual(['part-0']);
    expect(gone.changes).toEqual([]);
    const pending = await keep('pending', { '.tidemark-other': MORE }, 'journal');
    expect(pending).toMatchObject({ copied: [], changes: [] });
    expect(pending.missing).toHaveLength(1);
    expect(await keep('pending', { 'part-0': JOURNALED }, 'journal')).toMatchObject({
      missing: [],
      changes: [],
    });
  });
});
