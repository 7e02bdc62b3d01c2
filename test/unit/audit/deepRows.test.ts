/** A deep audit of files of Parquet: their rows are compared with those of the source's records. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { BucketAssigner } from '../../../actors/buckets/rule.ts';
import type { AuditReport } from '../../../src/audit/auditReport.ts';
import type { DeepSource } from '../../../src/audit/deep/deepAudit.ts';
import type { PartFormat } from '../../../src/formats/format.ts';
import { ParquetEncoder } from '../../../src/formats/parquet/encoder.ts';
import { recordEnvelope } from '../../../src/formats/parquet/envelope.ts';
import type { RowFormat } from '../../../src/formats/rows.ts';
import type { RecordCursor } from '../../../src/sources/port.ts';
import { FinishedJob, RECORDS } from './finishedJob.ts';
import { byTime } from '../actors/buckets/ownBuckets.ts';

const TOPIC = Buffer.from('numbers');
const SCHEMA = recordEnvelope('string');
const OPTIONS = { codec: 'zstd', rowGroupBytes: 1 << 20, createdBy: 'tidemark test' } as const;
const ROWS_PER_GROUP = 4;

const BY_THREES = byTime(
  (slot) => `third-${slot}`,
  (timeMs) => ((timeMs % 3) + 3) % 3,
);
const ANOTHER_RULE = { by: 'another' };

const FORMAT: PartFormat = {
  ...{ id: 'parquet-record', codec: null, tombstones: 'skip' },
  recordsOf: ({ partition }) => {
    const reading: Pick<RowFormat, 'type' | 'check' | 'rowText'> = {
      type: 'rows',
      check: () => null,
      rowText: (record) => {
        const encoder = new ParquetEncoder(SCHEMA, OPTIONS);
        expect(encoder.appendRecord(TOPIC, partition, record)).toBeNull();
        return encoder.heldTexts().next();
      },
    };
    // An audit writes nothing.
    return reading as RowFormat;
  },
};

/** The journal's offsets of a file's records: lines are `partition:offset`. */
const offsetsIn = (text: string): number[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => Number(line.slice(line.indexOf(':') + 1)));

interface FileChange {
  readonly name: string;
  /** The records that it holds, by their offsets. */
  readonly offsets: (offsets: readonly number[]) => readonly number[];
}

class RowsJob {
  readonly finished: FinishedJob;

  private constructor(finished: FinishedJob) {
    this.finished = finished;
  }

  /** A job whose files are all made again as Parquet, and whose journal says so. */
  static async made(assigner?: BucketAssigner, change?: (names: readonly string[]) => FileChange) {
    const job = new RowsJob(await FinishedJob.made(true, assigner));
    const asked = change?.(job.names(0));
    for (const partition of [0, 1])
      for (const name of job.names(partition))
        await job.#convert(partition, name, name === asked?.name ? asked.offsets : (offsets) => offsets);
    return job;
  }

  names(partition: number): string[] {
    return [...this.finished.job.committed().keys()].filter((name) =>
      name.includes(`-numbers-${partition}-`),
    );
  }

  deep(...rule: Parameters<FinishedJob['deep']>): DeepSource {
    return { ...this.finished.deep(...rule), format: FORMAT };
  }

  audit(...rule: Parameters<FinishedJob['deep']>): Promise<AuditReport> {
    return this.finished.audit({ deep: this.deep(...rule) });
  }

  async #convert(partition: number, name: string, offsetsOf: FileChange['offsets']): Promise<void> {
    const before = offsetsIn(readFileSync(this.finished.path(name), 'utf8'));
    const bytes = await this.#parquetOf(partition, offsetsOf(before));
    this.finished.replaceFile(partition, name, bytes, FORMAT.id);
  }

  /** A byte of the file's first column becomes another; the journal agrees if `isJournaled`. */
  damage(name: string, { isJournaled }: { readonly isJournaled: boolean }): void {
    const path = this.finished.path(name);
    const bytes = readFileSync(path);
    bytes[60] = (bytes[60] ?? 0) ^ 1;
    if (isJournaled) this.finished.replaceFile(0, name, bytes, FORMAT.id);
    else writeFileSync(path, bytes);
  }

  async #parquetOf(partition: number, offsets: readonly number[]): Promise<Buffer> {
    const encoder = new ParquetEncoder(SCHEMA, OPTIONS);
    const parts: Uint8Array[] = [];
    for (const offset of offsets) {
      const record = await this.#record(partition, offset);
      expect(encoder.appendRecord(TOPIC, partition, record)).toBeNull();
      if (encoder.rowsHeld === ROWS_PER_GROUP) parts.push(...encoder.endRowGroup());
    }
    return Buffer.concat([...parts, ...encoder.endRowGroup(), encoder.footer()]);
  }

  async #record(partition: number, offset: number): Promise<RecordCursor> {
    const feed = this.deep().source.open({ topic: 'numbers', partition }, BigInt(offset), null);
    const cursor = (await feed.next()).records();
    expect(cursor.next()).toBe(true);
    await feed.close();
    return cursor;
  }
}

const found = ({ findings }: AuditReport): string[] =>
  findings.map(({ code, offset, message }) => `${code} ${offset ?? 'none'}: ${message}`);

const CASES = [
  ['one bucket', undefined, undefined, 'order'],
  ['one bucket by a rule that is not known', undefined, ANOTHER_RULE, 'lines'],
  ['buckets by record time', BY_THREES, undefined, 'order'],
  ['buckets by a rule that is not known', BY_THREES, ANOTHER_RULE, 'lines'],
] as const;

describe('files of Parquet that nobody has touched', () => {
  it.each(CASES)('with %s hold each record', async (_, assigner, rule, comparedBy) => {
    const job = await RowsJob.made(assigner);
    const report = await job.audit(rule);
    expect(found(report)).toEqual([]);
    expect(report.unchecked).toEqual([]);
    expect(report.deep).toMatchObject(
      report.partitions.map(({ partition, files }) => ({
        ...{ partition, comparedBy, records: RECORDS, bad: 0, removedSince: 0 },
        files: { compared: files.committed, notCompared: 0 },
      })),
    );
    expect(report.partitions[0]?.files.committed).toBeGreaterThan(3);
  });

  it('are not compared with the lines of another format', async () => {
    const job = await RowsJob.made();
    const { format: _, ...text } = job.finished.deep();
    const report = await job.finished.audit({ deep: { ...text, format: FORMAT, content: 'another' } });
    expect(found(report)).toEqual([]);
    expect(report.deep?.[0]?.files).toEqual({ compared: 0, notCompared: job.names(0).length });
  });
});

describe('a file of Parquet', () => {
  it('that lacks a record, and one that holds another: row and offset are told', async () => {
    const lacking = await RowsJob.made(undefined, ([, name = '']) => ({
      name,
      offsets: (offsets) => offsets.toSpliced(2, 1),
    }));
    const [, second = ''] = lacking.names(0);
    const first = Number(/(\d{20})/.exec(second)?.[1]);
    expect(found(await lacking.audit())).toEqual([
      `RECORD_MISSING ${first + 2}: offset ${first + 2} is not in ${lacking.finished.uri(second)}`,
    ]);
    const replaced = await RowsJob.made(undefined, ([name = '']) => ({
      name,
      offsets: (offsets) => offsets.with(4, 100),
    }));
    const uri = replaced.finished.uri(replaced.names(0)[0] ?? '');
    expect(found(await replaced.audit())).toEqual([
      `RECORD_MISSING 4: offset 4 is not in ${uri}`,
      `RECORD_UNEXPECTED 4: row 5 of ${uri} is no record of the source, before offset 4`,
    ]);
  });

  it('in which two records have changed places', async () => {
    const job = await RowsJob.made(undefined, ([name = '']) => ({
      name,
      offsets: ([one = 0, other = 0, ...rest]) => [other, one, ...rest],
    }));
    expect((await job.audit()).verdict).toBe('damaged');
  });

  it('that lacks a record, where the rule is not known', async () => {
    const job = await RowsJob.made(BY_THREES, ([name = '']) => ({
      name,
      offsets: (offsets) => offsets.toSpliced(1, 1),
    }));
    const report = await job.audit(ANOTHER_RULE);
    expect(report.findings.map(({ code }) => code)).toEqual(['RECORD_MISSING']);
  });

  it('that is not published has no footer yet, and is not compared', async () => {
    const job = await RowsJob.made();
    const name = job.names(0).at(-1) ?? '';
    job.finished.forge(0, (entries) => {
      const opened = entries
        .flatMap(({ events }) => events)
        .find((e) => e['finalUri'] === job.finished.uri(name));
      return entries.flatMap((entry) => {
        const events = entry.events.filter(
          ({ type, partId }) => type !== 'partCommitted' || partId !== opened?.['partId'],
        );
        return events.length === 0 ? [] : [{ ...entry, events }];
      });
    });
    const report = await job.audit();
    expect(report.findings.map(({ code }) => code)).not.toContain('RECORD_MISSING');
    expect(report.deep?.[0]?.files).toEqual({ compared: job.names(0).length - 1, notCompared: 1 });
  });
});

const unreadable = (uri: string): string => `The rows of ${uri} cannot be read: `;

describe('a file of Parquet whose rows cannot be read', () => {
  it('is told, and that the journal agrees with it; so is a record that another file lacks', async () => {
    const job = await RowsJob.made(undefined, ([, , name = '']) => ({
      name,
      offsets: (offsets) => offsets.toSpliced(2, 1),
    }));
    const [, damaged = '', lacking = ''] = job.names(0);
    job.damage(damaged, { isJournaled: true });
    const { verdict, unchecked, findings, deep } = await job.audit();
    const uri = job.finished.uri(damaged);
    expect([verdict, unchecked]).toEqual(['damaged', []]);
    expect(findings).toMatchObject([
      { code: 'FILE_UNREADABLE', uri, partition: { partition: 0 } },
      { code: 'RECORD_MISSING', uri: job.finished.uri(lacking) },
    ]);
    expect(findings[0]?.message).toContain(unreadable(uri));
    expect(findings[0]?.message).toMatch(
      /The journal agrees with its \d+ bytes .* Keep the file, and report it$/,
    );
    expect(deep?.[0]?.files).toEqual({ compared: job.names(0).length - 1, notCompared: 1 });
    expect(deep?.[1]?.files).toEqual({ compared: job.names(1).length, notCompared: 0 });
  });

  it('is told, and that the journal does not agree with its bytes', async () => {
    const job = await RowsJob.made();
    const [name = ''] = job.names(0);
    job.damage(name, { isJournaled: false });
    const { findings } = await job.audit();
    expect(findings.map(({ code }) => code)).toEqual(['FILE_DIFFERS', 'FILE_UNREADABLE']);
    expect(findings[1]?.message).toMatch(/The journal does not agree with its bytes: restore the file$/);
  });

  it('leaves those that overlap it not compared; each one that cannot be read is told', async () => {
    const job = await RowsJob.made(BY_THREES);
    // The first files of two buckets.
    const named = (end: string): string => job.names(0).find((name) => name.endsWith(end)) ?? '';
    const [one, other] = [named('-00000000000000000000'), named('-00000000000000000001')];
    for (const name of [one, other]) job.damage(name, { isJournaled: true });
    const report = await job.audit(ANOTHER_RULE);
    const uris = [one, other].map((name) => job.finished.uri(name));
    expect(report.findings.map(({ code, uri }) => `${code} ${uri ?? ''}`).toSorted()).toEqual(
      uris.map((uri) => `FILE_UNREADABLE ${uri}`).toSorted(),
    );
    expect(report.unchecked).toEqual([]);
    const { compared = 0, notCompared = 0 } = report.deep?.[0]?.files ?? {};
    expect(notCompared).toBeGreaterThanOrEqual(2);
    expect(compared + notCompared).toBe(job.names(0).length);
  });
});
