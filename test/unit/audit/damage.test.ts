/** One thing is damaged at a time, and the audit names exactly that. */
import { expect, it } from 'vitest';
import { decodeSnapshot, encodeSnapshot } from '../../../journal/snapshot.ts';
import type { LedgerFacts } from '../../../actors/ledger.ts';
import type { FindingCode } from '../../../src/audit/findings.ts';
import type { AuditReport } from '../../../src/audit/auditReport.ts';
import { FinishedJob, JOB, RECORDS, type PlainEntry } from './finishedJob.ts';

/** What the audit finds, in short: code, partition and entry, and the file's name. */
function found({ findings }: AuditReport): string[] {
  return findings.map(({ code, partition, seq, uri }) => {
    const where = partition === null ? '' : ` ${partition.topic}/${partition.partition}`;
    const file = uri === null ? '' : ` ${uri.slice(uri.lastIndexOf('/') + 1)}`;
    return `${code}${where}${seq === null ? '' : `#${seq}`}${file}`;
  });
}

const codes = ({ findings }: AuditReport): FindingCode[] => findings.map(({ code }) => code);

it('finds nothing in a job that nobody has touched; its sums are those of a count', async () => {
  const finished = await FinishedJob.made();
  const report = await finished.audit();
  expect(report).toMatchObject({ verdict: 'clean', findingsTotal: 0, unchecked: [] });
  expect(report.files.compared).toBe(finished.job.committed().size);
  for (const { partition, records, offsets, files } of report.partitions) {
    const lines = finished.files(partition.partition).map((name) => finished.job.committed().get(name) ?? '');
    const count = lines.reduce((sum, text) => sum + text.split('\n').length - 1, 0);
    expect(records).toEqual({
      read: RECORDS,
      skipped: 0,
      alreadyHeld: 0,
      committed: count,
      lost: 0,
      open: 0,
    });
    expect(offsets).toEqual({
      first: 0n,
      next: BigInt(RECORDS),
      holes: 0n,
      lost: 0n,
      replaced: 0n,
      rewound: 0n,
    });
    expect(files.committed).toBe(lines.length);
  }
});

it('a committed file was deleted', async () => {
  const finished = await FinishedJob.made();
  const [, name = ''] = finished.files(1);
  finished.removeFile(name);
  expect(found(await finished.audit())).toEqual([
    expect.stringMatching(`^FILE_MISSING numbers/1#\\d+ ${name}$`),
  ]);
});

it('a committed file that others have moved away is counted, and is no damage', async () => {
  const finished = await FinishedJob.made();
  const [first = '', second = ''] = finished.files(0);
  finished.removeFile(first);
  finished.removeFile(second);
  const report = await finished.audit({ moved: ({ uri }) => uri === finished.uri(first) });
  expect(found(report)).toEqual([expect.stringMatching(`^FILE_MISSING numbers/0#\\d+ ${second}$`)]);
  expect(report.files.moved).toBe(1);
});

it('a committed file was shortened', async () => {
  const finished = await FinishedJob.made();
  const [name = ''] = finished.files(0);
  finished.shorten(name);
  expect(found(await finished.audit())).toEqual([
    expect.stringMatching(`^FILE_DIFFERS numbers/0#\\d+ ${name}$`),
  ]);
});

it('one byte of a committed file was changed', async () => {
  const finished = await FinishedJob.made();
  const name = finished.files(0).at(-1) ?? '';
  finished.changeByte(name);
  expect(found(await finished.audit())).toEqual([
    expect.stringMatching(`^FILE_DIFFERS numbers/0#\\d+ ${name}$`),
  ]);
});

it('two committed files were swapped', async () => {
  const finished = await FinishedJob.made();
  const [[one = ''], [other = '']] = [finished.files(0), finished.files(1)];
  finished.swap(one, other);
  expect(found(await finished.audit()).toSorted()).toEqual([
    expect.stringMatching(`^FILE_DIFFERS numbers/0#\\d+ ${one}$`),
    expect.stringMatching(`^FILE_DIFFERS numbers/1#\\d+ ${other}$`),
  ]);
});

it("the name of a committed file was used for another program's", async () => {
  const finished = await FinishedJob.made();
  const [name = ''] = finished.files(0);
  finished.write(name, 'what somebody else wrote\n');
  expect(found(await finished.audit())).toEqual([
    expect.stringMatching(`^FILE_DIFFERS numbers/0#\\d+ ${name}$`),
  ]);
});

it('a file with a name of the job is not in its journal; files with other names are counted', async () => {
  const finished = await FinishedJob.made();
  finished.write('part-numbers-0-00000000000000000999', 'x\n');
  finished.write('deep/below/part-numbers-1-00000000000000000001', 'x\n');
  finished.write('other.csv', 'x\n');
  finished.write('part-numbers-x-1', 'x\n');
  const report = await finished.audit();
  expect(found(report).toSorted()).toEqual([
    'FILE_UNKNOWN numbers/0 part-numbers-0-00000000000000000999',
    'FILE_UNKNOWN numbers/1 part-numbers-1-00000000000000000001',
  ]);
  expect(report.files.others).toBe(2);
});

it('an entry was removed', async () => {
  const finished = await FinishedJob.made();
  finished.replaceEntries(0, finished.entries(0).toSpliced(3, 1));
  expect(found(await finished.audit())).toEqual(['ENTRY_DAMAGED numbers/0#4']);
});

it('entries were reordered', async () => {
  const finished = await FinishedJob.made();
  const [a, b, ...rest] = finished.entries(0).slice(2);
  if (a === undefined || b === undefined) throw new Error('too few entries');
  const swapped = [
    { ...a, bytes: b.bytes },
    { ...b, bytes: a.bytes },
  ];
  finished.replaceEntries(0, [...finished.entries(0).slice(0, 2), ...swapped, ...rest]);
  expect(found(await finished.audit())).toEqual(['ENTRY_DAMAGED numbers/0#3']);
});

it('the last entries were removed: the witnesses remember them', async () => {
  const finished = await FinishedJob.made();
  const isCheckpoint = ({ bytes }: { readonly bytes: Uint8Array }) =>
    new TextDecoder().decode(bytes).includes('"checkpointCompleted"');
  finished.replaceEntries(0, finished.entries(0).slice(0, finished.entries(0).findLastIndex(isCheckpoint)));
  expect(codes(await finished.audit())).toContain('WITNESS_DIFFERS');
});

it('a bit of an entry was flipped, any of fifty', async () => {
  const finished = await FinishedJob.made();
  const entries = finished.entries(0);
  for (let draw = 0; draw < 50; draw += 1) {
    const at = (draw * 7) % (entries.length - 1);
    const entry = entries[at];
    if (entry === undefined) throw new Error('no such entry');
    const bytes = Uint8Array.from(entry.bytes);
    const bit = (draw * 7919) % (bytes.length * 8);
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    finished.replaceEntries(0, entries.with(at, { ...entry, bytes }));
    const place = `bit ${bit} of entry ${at + 1}`;
    expect(found(await finished.audit()), place).toEqual([
      expect.stringMatching(`^ENTRY_DAMAGED numbers/0#(${at + 1}|${at + 2})$`),
    ]);
  }
});

interface Forgery {
  readonly what: string;
  readonly change: (entries: PlainEntry[]) => PlainEntry[];
  readonly code: FindingCode;
}

const events = (entries: readonly PlainEntry[], type: string) =>
  entries.flatMap((entry) => entry.events.filter((event) => event.type === type));

/** Changes the last event of this type. */
const changeLast =
  (type: string, fields: (event: PlainEntry['events'][number]) => Record<string, unknown>) =>
  (entries: PlainEntry[]): PlainEntry[] => {
    const event = events(entries, type).at(-1);
    if (event === undefined) throw new Error(`no ${type}`);
    Object.assign(event, fields(event));
    return entries;
  };

const FORGERIES: readonly Forgery[] = [
  {
    what: 'an epoch skips a number',
    change: (entries) => {
      const last = events(entries, 'epochClaimed').at(-1);
      for (const entry of entries) if (entry.epoch === 2) entry.epoch = 3;
      if (last !== undefined) last['epoch'] = 3;
      return entries;
    },
    code: 'EPOCH_SKIPPED',
  },
  {
    what: 'an entry is of an epoch that nobody claimed',
    change: (entries) => [
      ...entries,
      {
        ...structuredClone(entries.at(-1) ?? ({} as PlainEntry)),
        epoch: 7,
        events: [{ type: 'rollRequested', requestId: 9 }],
      },
    ],
    code: 'ENTRY_NOT_CLAIMED',
  },
  {
    what: 'an entry is of a claim that nobody made',
    change: (entries) => {
      const last = entries.at(-1);
      if (last !== undefined) last.claimId = 'f'.repeat(32);
      return entries;
    },
    code: 'ENTRY_NOT_CLAIMED',
  },
  {
    what: 'nextOffset was moved forward in the tail',
    change: (entries) => [
      ...entries,
      {
        ...structuredClone(entries.at(-1) ?? ({} as PlainEntry)),
        events: [
          {
            ...structuredClone(events(entries, 'checkpointCompleted').at(-1)),
            type: 'checkpointCompleted',
            ...{ checkpoint: events(entries, 'checkpointCompleted').length + 1, nextOffset: '500' },
            ...{ recordsRead: 380, recordsSkipped: { nullValue: 0 }, checkpointParts: 0, parts: [] },
          },
        ],
      },
    ],
    code: 'RECORDS_DO_NOT_ADD_UP',
  },
  {
    what: 'nextOffset went back',
    change: changeLast('checkpointCompleted', () => ({ nextOffset: '3', recordsRead: 0, parts: [] })),
    code: 'OFFSET_WENT_BACK',
  },
  {
    what: 'a checkpoint has read more records than its offsets hold',
    change: changeLast('checkpointCompleted', ({ recordsRead }) => ({
      recordsRead: Number(recordsRead) + 500,
      recordsSkipped: { nullValue: 500 },
    })),
    code: 'OFFSETS_DO_NOT_ADD_UP',
  },
  {
    what: 'a checkpoint counts fewer records than its files grew by',
    change: changeLast('checkpointCompleted', ({ recordsRead }) => ({
      recordsRead: Number(recordsRead) - 1,
    })),
    code: 'RECORDS_DO_NOT_ADD_UP',
  },
  {
    what: 'a file was opened by a stopped partition',
    change: (entries) => {
      const opened = events(entries, 'partOpened').at(-1);
      const at = { ...structuredClone(entries.at(-1) ?? ({} as PlainEntry)) };
      const stop = { type: 'partitionStopped', code: 'SOURCE_RANGE_LOST', message: 'lost' };
      const facts = { fromOffset: null, toOffset: null, files: [], truncation: null };
      return [
        ...entries,
        { ...at, events: [{ ...stop, ...facts }] },
        { ...at, events: [{ ...structuredClone(opened), type: 'partOpened', partId: 'e'.repeat(32) }] },
      ];
    },
    code: 'TRANSITION_ILLEGAL',
  },
  {
    what: 'an accepted loss begins before nextOffset',
    change: (entries) => {
      const at = { ...structuredClone(entries.at(-1) ?? ({} as PlainEntry)) };
      const stop = { type: 'partitionStopped', code: 'SOURCE_RANGE_LOST', message: 'lost' };
      const facts = { fromOffset: null, toOffset: null, files: [], truncation: null };
      const loss = { type: 'lossAccepted', requestId: 1, fromOffset: '0', toOffset: '4000' };
      return [...entries, { ...at, events: [{ ...stop, ...facts }] }, { ...at, events: [loss] }];
    },
    code: 'TRANSITION_ILLEGAL',
  },
  {
    what: 'a file claims offsets that its checkpoint has not read',
    change: (entries) => {
      const parts = events(entries, 'checkpointCompleted').flatMap(
        (event) => event['parts'] as Record<string, unknown>[],
      );
      const part = parts.at(-1);
      if (part !== undefined) part['lastOffset'] = '4000';
      return entries;
    },
    code: 'RANGES_CONTRADICT',
  },
  {
    what: 'a part file is committed that is not open',
    change: (entries) => [...entries, { ...structuredClone(entries.at(-1) ?? ({} as PlainEntry)) }],
    code: 'TRANSITION_ILLEGAL',
  },
];

it.each(FORGERIES)('forged with a chain that fits: $what', async ({ change, code }) => {
  const finished = await FinishedJob.made();
  finished.forge(1, change);
  const report = await finished.audit();
  expect(codes(report)).toContain(code);
  expect(report.partitions.map(({ verdict }) => verdict)).toEqual(['clean', 'damaged']);
});

it('a forged chain is another chain than the witnesses saw', async () => {
  const finished = await FinishedJob.made();
  finished.forge(0, (entries) => entries.map((entry) => ({ ...entry, at: '2001-01-01T00:00:00.000Z' })));
  expect(new Set(codes(await finished.audit()))).toEqual(new Set(['WITNESS_DIFFERS']));
});

it("the group's offset was set ahead", async () => {
  const finished = await FinishedJob.made();
  finished.groupAhead[1] = 5;
  expect(found(await finished.audit())).toEqual([expect.stringMatching(/^GROUP_AHEAD numbers\/1#\d+$/)]);
});

it('a snapshot holds another state than its entries lead to', async () => {
  const finished = await FinishedJob.made();
  const { snapshots } = finished.job.backing;
  const subject = finished.subject(0);
  const [bytes, ...older] = snapshots.get(subject) ?? [];
  const snapshot = decodeSnapshot(bytes ?? new Uint8Array());
  if (snapshot === null) throw new Error('the job wrote no snapshot');
  const state = snapshot.state as LedgerFacts;
  const changed = { ...state, partition: { ...state.partition, nextOffset: 7n } };
  snapshots.set(subject, [encodeSnapshot({ ...snapshot, state: changed }), ...older]);
  expect(found(await finished.audit())).toEqual([`SNAPSHOT_DIFFERS numbers/0#${snapshot.tail.seq}`]);
});

it('the destination belongs to another journal', async () => {
  const finished = await FinishedJob.made();
  const marker = finished.job.settings({ source: null as never }).naming.sinkUri;
  finished.removeFile('.tidemark');
  const report = await finished.audit();
  expect(codes(report)).toEqual(['MARKER_DIFFERS']);
  expect(report.findings[0]?.uri).toBe(marker);
});

it('a source that does not answer leaves the audit incomplete', async () => {
  const finished = await FinishedJob.made();
  Object.defineProperty(finished, 'survey', {
    get: () => {
      throw new Error('away');
    },
  });
  expect(await finished.audit()).toMatchObject({ verdict: 'incomplete', findingsTotal: 0 });
  expect(JOB).toBe('numbers');
});
