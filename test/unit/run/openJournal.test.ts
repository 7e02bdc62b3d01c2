/**
 * A missing journal is made only where nothing remembers an earlier one: each thing that may remember one,
 * alone.
 */
import type { TidemarkError } from '../../../journal/errors.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { markerFolderUri, witnessFolderUri } from '../../../actors/naming.ts';
import { JournalFailure } from '../../../journal/failure.ts';
import { entryHash, jobName, journalId } from '../../../journal/ids.ts';
import { createMemoryJournal } from '../../../journal/memory/journal.ts';
import type { Journal } from '../../../journal/port.ts';
import { encodeWitness } from '../../../journal/witness.ts';
import type { SinkConfig } from '../../../src/config/jobConfig.ts';
import { openJournalForRun } from '../../../src/run/openJournal.ts';
import type { SourceFacts } from '../../../src/sources/port.ts';
import { createFileStore } from '../../../src/stores/local/store.ts';
import type { Store } from '../../../src/stores/port.ts';
import { silentLog } from '../../../src/telemetry/log.ts';
import { MemorySource } from '../../scenarios/memorySource.ts';

const JOB = jobName('clicks');
const MISSING = new JournalFailure('missing', 'there is none');
const TOPIC = { topic: 'clicks', topicId: null, partitions: 2 };

/** A Kafka source whose group holds `witnesses`, by partition. */
class Group extends MemorySource {
  readonly #facts: Partial<SourceFacts>;
  readonly #witnesses: readonly (string | null)[];
  isAsked = false;

  constructor(kind: 'file' | 'kafka', facts: Partial<SourceFacts>, witnesses: readonly (string | null)[]) {
    super(2);
    // A source of files answers none of these: nobody is to ask it.
    Object.defineProperty(this, 'kind', { value: kind });
    this.#facts = facts;
    this.#witnesses = witnesses;
  }

  override describe(): Promise<SourceFacts> {
    this.isAsked = true;
    return Promise.resolve({ clusterId: 'c', groupId: 'group', topics: [TOPIC], ...this.#facts });
  }

  override readWitness({ partition }: { readonly partition: number }): Promise<string | null> {
    return Promise.resolve(this.#witnesses[partition] ?? null);
  }
}

interface Remembered {
  readonly kind?: 'file' | 'kafka';
  readonly facts?: Partial<SourceFacts>;
  readonly witnesses?: readonly (string | null)[];
  readonly wait?: boolean;
  readonly failure?: TidemarkError | null;
}

async function lake() {
  const folder = await mkdtemp(path.join(tmpdir(), 'tidemark-opening-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const sink: SinkConfig = {
    ...{ type: 'file', uri: pathToFileURL(folder).href, format: 'text', prefix: 'part-', suffix: '' },
    ...{ entropy: null, envelope: 'value', compression: null },
  };
  const store: Store = createFileStore();
  const naming = { sinkUri: sink.uri, entropy: null, prefix: 'part-', suffix: '' };
  return { sink, store, naming };
}

/** What is opened, in turn, and what it comes to. */
async function open({ sink, store }: Awaited<ReturnType<typeof lake>>, remembered: Remembered = {}) {
  const { kind = 'kafka', facts = {}, witnesses = [], wait = false, failure = MISSING } = remembered;
  const source = new Group(kind, facts, witnesses);
  const asked: string[] = [];
  const opening = openJournalForRun({
    ...{ config: { job: JOB, sink }, source, store, wait, log: silentLog },
    open: (access): Promise<Journal> => {
      asked.push(access);
      return access === 'existing' && failure !== null
        ? Promise.reject(failure)
        : Promise.resolve(createMemoryJournal());
    },
    signal: new AbortController().signal,
  });
  const error = await opening.then(
    () => null,
    (reason: unknown) => reason as TidemarkError,
  );
  return { asked, error, source };
}

const witnessOf = (job: string): string =>
  encodeWitness({
    ...{ job: jobName(job), journalId: journalId('journal-1'), seq: 3, nextOffset: 7n },
    hash: entryHash('a'.repeat(64)),
  });

const REFUSED = { code: 'JOURNAL_MISSING' };

describe('a journal that is there', () => {
  test('is opened, and nobody is asked', async () => {
    const { asked, error, source } = await open(await lake(), { failure: null });
    expect({ asked, error, isAsked: source.isAsked }).toEqual({
      ...{ asked: ['existing'], error: null, isAsked: false },
    });
  });

  test('and cannot be opened is not made anew', async () => {
    const failure = new JournalFailure('corrupt', 'It is damaged.');
    const { asked, error, source } = await open(await lake(), { failure });
    expect({ asked, error, isAsked: source.isAsked }).toEqual({
      ...{ asked: ['existing'], error: failure, isAsked: false },
    });
  });
});

describe('a journal that is missing', () => {
  test.each([
    ['a source of files', { kind: 'file', witnesses: [witnessOf('clicks')] }],
    ['a group that has committed nothing', {}],
    ['a group with offsets of another program', { witnesses: ['by hand', ''] }],
    ['a group with a witness of another job', { witnesses: [witnessOf('views')] }],
    ['topics that are waited for', { facts: { topics: [], missing: ['clicks'] }, wait: true }],
    ['one topic that is not there yet', { facts: { missing: ['views'] } }],
  ] as const)('is made where nothing remembers one: %s', async (_what, remembered) => {
    const { asked, error } = await open(await lake(), remembered);
    expect({ asked, error }).toEqual({ asked: ['existing', 'create'], error: null });
  });

  test('and whose marker stands at the destination is not made', async () => {
    const at = await lake();
    await at.store.claimMarker(markerFolderUri(at.naming), JOB, journalId('journal-1'));
    const { asked, error } = await open(at);
    expect(asked).toEqual(['existing']);
    expect(error).toMatchObject(REFUSED);
    expect(error?.message).toMatch(/but the destination file:.* \(journal journal-1\) remembers it/);
  });

  test.each(['file', 'kafka'] as const)(
    'and of which only a witness is left at the destination is not made (%s)',
    async (kind) => {
      const at = await lake();
      const folder = witnessFolderUri(at.naming, JOB, { topic: 'clicks', partition: 1 });
      await at.store.writeWitness(folder, 'some-witness');
      const { asked, error } = await open(at, { kind });
      expect(asked).toEqual(['existing']);
      expect(error).toMatchObject(REFUSED);
      expect(error?.message).toContain('(a witness in .tidemark/_witness/clicks) remembers it');
      await at.store.removeWitnesses(folder, ['some-witness']);
      expect((await open(at, { kind })).asked).toEqual(['existing', 'create']);
    },
  );

  test('and that the group remembers at any partition is not made', async () => {
    const { asked, error } = await open(await lake(), { witnesses: [null, witnessOf('clicks')] });
    expect(asked).toEqual(['existing']);
    expect(error).toMatchObject(REFUSED);
    expect(error?.message).toContain('group group at clicks/1 (journal journal-1) remembers it');
  });

  test('under a bounded run whose topics are all missing is not made: the topics are named', async () => {
    const { asked, error } = await open(await lake(), {
      facts: { topics: [], missing: ['clicks', 'views'] },
    });
    expect(asked).toEqual(['existing']);
    expect(error).toMatchObject({ code: 'SOURCE_TOPIC_MISSING', fields: { topics: ['clicks', 'views'] } });
  });
});
