/** What only a deep audit finds: files whose journal was forged to fit them. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { partitionName } from '../../../journal/ids.ts';
import type { AuditReport } from '../../../src/audit/auditReport.ts';
import type { DeepSource } from '../../../src/audit/deep/deepAudit.ts';
import { makeCodec } from '../../../src/formats/compression/codecs.ts';
import type { LogSpan, RecordCursor } from '../../../src/sources/port.ts';
import { StoreFailure } from '../../../src/stores/failure.ts';
import { createFileStore } from '../../../src/stores/local/store.ts';
import { FinishedJob, RECORDS } from './finishedJob.ts';
import { byTime } from '../actors/buckets/ownBuckets.ts';

/** Buckets whose files overlap: every third record belongs to the same. */
const BY_THREES = byTime(
  (slot) => `third-${slot}`,
  (timeMs) => ((timeMs % 3) + 3) % 3,
);

/** The rule is not the one that the journal names, so that nobody knows where each record went. */
const ANOTHER_RULE = { by: 'another' };

function found({ findings }: AuditReport): string[] {
  return findings.map(({ code, partition, uri, offset }) => {
    const name = uri === null ? '' : ` ${uri.slice(uri.lastIndexOf('/') + 1)}`;
    return `${code} ${partition === null ? '' : partitionName(partition)} ${String(offset)}${name}`;
  });
}

/** The plain audit finds nothing; what the deep one finds. */
async function onlyDeep(
  finished: FinishedJob,
  ...rule: Parameters<FinishedJob['deep']>
): Promise<AuditReport> {
  expect(await finished.audit()).toMatchObject({ verdict: 'clean', deep: null });
  return finished.audit({ deep: finished.deep(...rule) });
}

/** The same source, whose partition 0 does not have one offset, and says what it holds there. */
function without(deep: DeepSource, gone: bigint, spans?: readonly LogSpan[]): DeepSource {
  const source: DeepSource['source'] = {
    kind: deep.source.kind,
    describe: (options) => deep.source.describe(options),
    ranges: (topic) => deep.source.ranges(topic),
    verifyIdentity: (topic, id) => deep.source.verifyIdentity(topic, id),
    open: (at, ...rest) => {
      const feed = deep.source.open(at, ...rest);
      if (at.partition !== 0) return feed;
      return {
        close: () => feed.close(),
        next: async () => {
          const batch = await feed.next();
          const told = spans === undefined ? {} : { spans: () => spans };
          return { ...batch, ...told, records: () => skipping(batch.records(), gone) };
        },
      };
    },
  };
  return { ...deep, source };
}

function skipping(cursor: RecordCursor, gone: bigint): RecordCursor {
  const next = cursor.next.bind(cursor);
  cursor.next = () => next() && (cursor.baseOffset + BigInt(cursor.offsetDelta) !== gone || next());
  return cursor;
}

describe('a job that nobody has touched', () => {
  it.each([
    ['one bucket', undefined, undefined, 'order'],
    ['one bucket by a rule that is not known', undefined, ANOTHER_RULE, 'lines'],
    ['buckets by record time', BY_THREES, undefined, 'order'],
    ['buckets by a rule that is not known', BY_THREES, ANOTHER_RULE, 'lines'],
  ] as const)('with %s holds each record', async (_, assigner, rule, comparedBy) => {
    const finished = await FinishedJob.made(true, assigner);
    const report = await onlyDeep(finished, rule);
    expect(found(report)).toEqual([]);
    expect(report.verdict).toBe('clean');
    expect(report.deep).toEqual(
      report.partitions.map(({ partition, files }) => ({
        ...{ partition, comparedBy, from: 0n, to: BigInt(RECORDS), notInSource: 0n, records: RECORDS },
        ...{ expired: 0n, nullValues: 0, bad: 0, givenUp: 0, holes: 0n, removedSince: 0, unknownHoles: [] },
        holesBy: { markers: 0n, aborted: 0n, compacted: 0n, unknown: 0n },
        files: { compared: files.committed, notCompared: 0 },
      })),
    );
    expect(report.partitions[0]?.files.committed).toBeGreaterThan(3);
  });
});

describe('the journal was made to fit a file', () => {
  it('that lacks a record', async () => {
    const finished = await FinishedJob.made();
    const [, name = ''] = finished.files(1);
    finished.rewrite(1, name, (lines) => lines.toSpliced(2, 1));
    const first = Number(/(\d{20})/.exec(name)?.[1]);
    expect(found(await onlyDeep(finished))).toEqual([`RECORD_MISSING numbers/1 ${first + 2} ${name}`]);
  });

  it('in which a record is replaced', async () => {
    const finished = await FinishedJob.made();
    const [name = ''] = finished.files(0);
    finished.rewrite(0, name, (lines) => lines.with(4, 'forged'));
    const report = await onlyDeep(finished);
    expect(found(report)).toEqual([
      `RECORD_MISSING numbers/0 4 ${name}`,
      `RECORD_UNEXPECTED numbers/0 4 ${name}`,
    ]);
    expect(report.findings[1]?.message).toContain('line 5 of ');
    expect(report.verdict).toBe('damaged');
  });

  it('in which two records have changed places', async () => {
    const finished = await FinishedJob.made();
    const [name = ''] = finished.files(0);
    finished.rewrite(0, name, ([first = '', second = '', ...rest]) => [second, first, ...rest]);
    expect(found(await onlyDeep(finished))).not.toEqual([]);
  });

  it('in which a record is replaced, and its rule is not known', async () => {
    const finished = await FinishedJob.made(true, BY_THREES);
    const name = [...finished.job.committed().keys()].find((each) => each.includes('-numbers-0-')) ?? '';
    finished.rewrite(0, name, (lines) => lines.with(1, 'forged'));
    const report = await onlyDeep(finished, ANOTHER_RULE);
    expect(report.findings.map(({ code, message }) => [code, message])).toEqual([
      ['RECORD_UNEXPECTED', expect.stringMatching(/hold as many, but others$/)],
    ]);
  });
});

describe('what the source says', () => {
  it('a record that the job passed over as null has a value: it is in no file', async () => {
    const finished = await FinishedJob.made();
    const [name = ''] = finished.files(0);
    const count = finished.job.committed().get(name)?.split('\n').length ?? 0;
    finished.log(0)[1] = { value: 'other', timestampMs: 0 };
    expect(count).toBeGreaterThan(2);
    expect(found(await finished.audit({ deep: finished.deep() }))).toEqual([
      `RECORD_MISSING numbers/0 1 ${name}`,
      `RECORD_UNEXPECTED numbers/0 1 ${name}`,
    ]);
  });

  it('a line whose record the source holds as a null now is not in the source', async () => {
    const finished = await FinishedJob.made();
    const [name = ''] = finished.files(0);
    const [, second] = finished.log(0);
    finished.log(0)[1] = { value: null, timestampMs: second?.timestampMs ?? 0 };
    const report = await finished.audit({ deep: finished.deep() });
    expect(found(report)).toEqual([`RECORD_UNEXPECTED numbers/0 2 ${name}`]);
    expect(report.deep?.[0]).toMatchObject({ records: RECORDS - 1, nullValues: 1 });
  });

  it('records that it does not hold any more are counted, and are no damage', async () => {
    const finished = await FinishedJob.made();
    const [, , name = ''] = finished.files(0);
    const from = BigInt(/(\d{20})/.exec(name)?.[1] ?? '0') + 2n;
    finished.forget(from);
    const report = await finished.audit({ deep: finished.deep() });
    expect(found(report)).toEqual([]);
    const [first] = report.deep ?? [];
    expect(first).toMatchObject({
      from,
      to: BigInt(RECORDS),
      notInSource: from,
      expired: from,
      records: RECORDS - Number(from),
    });
    expect(first?.files).toEqual({ compared: finished.files(0).length - 3, notCompared: 3 });
  });

  it('a record that compaction has removed is counted; where none was, its line is damage', async () => {
    const finished = await FinishedJob.made();
    const [name = ''] = finished.files(0);
    const report = await finished.audit({ deep: without(finished.deep(), 3n) });
    expect(found(report)).toEqual([]);
    expect(report.deep?.[0]).toMatchObject({ records: RECORDS - 1, holes: 1n, removedSince: 1 });
    expect(report.deep?.[0]?.files).toEqual({ compared: finished.files(0).length, notCompared: 0 });

    // The job had read one record less: nothing was removed.
    finished.rewrite(0, name, (lines) => lines.with(3, 'forged'));
    finished.forge(0, (entries) => {
      const events = entries.flatMap((entry) => entry.events);
      const checkpoint = events.find(({ type }) => type === 'checkpointCompleted');
      if (checkpoint !== undefined) checkpoint['recordsRead'] = Number(checkpoint['recordsRead']) - 1;
      return entries;
    });
    const forged = await finished.audit({ deep: without(finished.deep(), 3n) });
    expect(found(forged)).toContain(`RECORD_UNEXPECTED numbers/0 4 ${name}`);
  });

  it('the end of a transaction, which never was a record: no line may stand there', async () => {
    const finished = await FinishedJob.made();
    const [name = ''] = finished.files(0);
    const all = { from: 0n, to: BigInt(RECORDS) };
    const marker = { from: 3n, to: 4n, holds: 'markers', records: 1 } as const;
    const around = [
      { from: 0n, to: 3n, holds: 'records', records: 3 },
      marker,
      { from: 4n, to: all.to, holds: 'records', records: RECORDS - 4 },
    ] as const;
    const report = await finished.audit({ deep: without(finished.deep(), 3n, around) });
    expect(found(report)).toEqual([`RECORD_UNEXPECTED numbers/0 4 ${name}`]);
    expect(report.deep?.[0]).toMatchObject({ holes: 1n, holesBy: { markers: 1n }, removedSince: 0 });

    const compacted = [{ ...all, holds: 'records', records: RECORDS - 1 }] as const;
    const removed = await finished.audit({ deep: without(finished.deep(), 3n, compacted) });
    expect(found(removed)).toEqual([]);
    expect(removed.deep?.[0]).toMatchObject({ holes: 1n, holesBy: { compacted: 1n }, removedSince: 1 });
  });

  it('the files of a partition with a damaged journal are not those of the next one', async () => {
    const finished = await FinishedJob.made();
    finished.replaceEntries(0, finished.entries(0).toSpliced(-3, 1));
    const report = await finished.audit({ deep: finished.deep() });
    expect(report.findings.map(({ code }) => code)).toEqual(['ENTRY_DAMAGED']);
    expect(report.deep?.map(({ partition }) => partition.partition)).toEqual([1]);
    expect(report.deep?.[0]?.files).toEqual({ compared: finished.files(1).length, notCompared: 0 });
  });

  it('a source that does not answer leaves the audit incomplete', async () => {
    const finished = await FinishedJob.made();
    const deep = finished.deep();
    const source = {
      ...deep.source,
      kind: 'kafka' as const,
      ranges: () => Promise.reject(new Error('away')),
    };
    const report = await finished.audit({ deep: { ...deep, source } });
    expect(report).toMatchObject({ verdict: 'incomplete', findingsTotal: 0 });
    expect(report.unchecked.map(({ what }) => what)).toEqual([
      'the records of numbers/0',
      'the records of numbers/1',
    ]);
  });
});

describe.each(['gzip', 'zstd'])('files of %s', (name) => {
  const codec = makeCodec(name, null);

  /** Those of partition 0 have two frames each. @param change of the bytes of a file, by its place. */
  async function compressed(change: (bytes: Buffer, index: number) => void): Promise<FinishedJob> {
    const finished = await FinishedJob.made();
    for (const [index, file] of finished.files(0).entries()) {
      const text = readFileSync(finished.path(file));
      const parts = [text.subarray(0, text.length / 2), text.subarray(text.length / 2)];
      const bytes = Buffer.concat(await Promise.all(parts.map((part) => codec.compress(part))));
      change(bytes, index);
      finished.replaceFile(0, file, bytes, `text.${name}`);
    }
    return finished;
  }

  /** In the last frame: its checksum, or what stands before it. */
  const damage = (bytes: Buffer): void => {
    const at = bytes.length - 5;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
  };

  it('that nobody has touched hold each record', async () => {
    const finished = await compressed(() => undefined);
    const report = await finished.audit({ deep: finished.deep() });
    expect([report.verdict, found(report)]).toEqual(['clean', []]);
    expect(report.deep?.[0]?.files).toEqual({ compared: finished.files(0).length, notCompared: 0 });
  });

  it('one that cannot be read is told, and so is what another one lacks', async () => {
    const finished = await compressed((bytes, index) => {
      if (index === 1) damage(bytes);
    });
    const [, damaged = '', other = ''] = finished.files(0);
    const first = Number(/(\d{20})/.exec(other)?.[1]);
    finished.log(0)[first] = { value: 'other', timestampMs: 0 };
    const report = await finished.audit({ deep: finished.deep() });
    expect(found(report)).toEqual([
      `FILE_UNREADABLE numbers/0 undefined ${damaged}`,
      `RECORD_MISSING numbers/0 ${first} ${other}`,
      `RECORD_UNEXPECTED numbers/0 ${first} ${other}`,
    ]);
    const message = `The ${name} frames of ${finished.uri(damaged)} cannot be read: `;
    expect(report.findings[0]?.message).toContain(message);
    expect(report.findings[0]?.message).toContain('The journal agrees with its ');
    expect(report).toMatchObject({ verdict: 'damaged', unchecked: [] });
    expect(report.deep?.[0]?.files).toEqual({ compared: finished.files(0).length - 1, notCompared: 1 });
  });

  it('one that cannot be read to its end: nothing else is told of it', async () => {
    const finished = await compressed(() => undefined);
    const [file = ''] = finished.files(0);
    const frames = await Promise.all(
      ['other\n'.repeat(20_000), 'end\n'].map((text) => codec.compress(Buffer.from(text))),
    );
    const bytes = Buffer.concat(frames);
    damage(bytes);
    finished.replaceFile(0, file, bytes, `text.${name}`);
    expect(found(await finished.audit({ deep: finished.deep() }))).toEqual([
      `FILE_UNREADABLE numbers/0 undefined ${file}`,
    ]);
  });

  it('in a store that ceases to answer while one is read are not damaged', async () => {
    const finished = await compressed(() => undefined);
    const { reading } = createFileStore();
    const deaf = finished.uri(finished.files(0)[1] ?? '');
    const away: typeof reading = {
      ...reading,
      read: async function* (uri, ...rest) {
        for await (const chunk of reading.read(uri, ...rest)) {
          yield uri === deaf ? chunk.subarray(0, 1) : chunk;
          if (uri === deaf) throw new StoreFailure('unavailable', 'away');
        }
      },
    };
    const report = await finished.audit({ deep: finished.deep() }, away);
    expect(found(report)).toEqual([]);
    expect(report).toMatchObject({
      verdict: 'incomplete',
      unchecked: [{ what: 'the records of numbers/0', code: 'STORE_UNAVAILABLE', message: 'away' }],
    });
  });
});
