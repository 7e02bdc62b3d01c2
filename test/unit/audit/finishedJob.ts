/**
 * A job that has run twice to its end, and what can be damaged of it: its journal in memory, its files on the
 * disk.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { hashEntry } from '../../../journal/entry.ts';
import type { EntryHash, Subject } from '../../../journal/ids.ts';
import { jobName, NO_HASH } from '../../../journal/ids.ts';
import { createMemoryJournal } from '../../../journal/memory/journal.ts';
import type { StoredEntry } from '../../../journal/port.ts';
import { partitionSubject } from '../../../journal/subjects.ts';
import type { DeepSource } from '../../../src/audit/deep/deepAudit.ts';
import { auditJob, type AuditOptions } from '../../../src/audit/auditJob.ts';
import type { AuditReport } from '../../../src/audit/auditReport.ts';
import type { TopicSurvey } from '../../../src/sources/survey.ts';
import { createFileStore } from '../../../src/stores/local/store.ts';
import type { StoreReading } from '../../../src/stores/reading.ts';
import { noBuckets } from '../../../actors/buckets/none/rule.ts';
import type { BucketAssigner } from '../../../actors/buckets/rule.ts';
import type { JsonValue } from '../../../journal/events.ts';
import { crc64Of } from '../../../kernels/crc64.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { defaultRollingPolicy } from '../../../actors/rolling/policy.ts';
import { JobFixture, NO_LIMITS, numbered } from '../../scenarios/jobFixture.ts';
import { MemorySource, type MemoryRecord } from '../../scenarios/memorySource.ts';
import { PLAIN_TEXT } from '../../../src/formats/text/line.ts';

const WRITTEN = { format: PLAIN_TEXT, bad: { to: 'stop' }, content: 'text' } as const;

export const JOB = jobName('numbers');
export const RECORDS = 120;
const PARTITIONS = 2;
const RUNS = 2;

/** An entry as plain JSON, to be forged. */
export interface PlainEntry {
  seq: number;
  epoch: number;
  claimId: string;
  prevHash: string;
  at: string;
  events: { type: string; [field: string]: unknown }[];
  [field: string]: unknown;
}

export class FinishedJob {
  readonly job: JobFixture;
  readonly #source = new MemorySource(PARTITIONS);
  readonly #assigner: BucketAssigner;

  private constructor(isOfOneTest: boolean, assigner: BucketAssigner) {
    this.job = new JobFixture(isOfOneTest);
    this.#assigner = assigner;
  }

  /** @param isOfOneTest whether its folder is removed after the test; otherwise call `remove`. */
  static async made(isOfOneTest = true, assigner: BucketAssigner = noBuckets()): Promise<FinishedJob> {
    const finished = new FinishedJob(isOfOneTest, assigner);
    const rolling = defaultRollingPolicy({ ...NO_LIMITS, maxBytes: 150 });
    for (let run = 0; run < RUNS; run += 1) {
      const count = RECORDS / RUNS;
      for (let partition = 0; partition < PARTITIONS; partition += 1)
        finished.#source.append(
          partition,
          ...numbered(partition, count, run * count).map((record, timestampMs) => ({
            ...record,
            timestampMs,
          })),
        );
      const source = run === 0 ? finished.#source : new MemorySource(finished.#source);
      await finished.job
        .coordinator({ source, untilEnd: true, rolling, assigner })
        .run(new AbortController().signal);
    }
    return finished;
  }

  async audit(options: Partial<AuditOptions> = {}, reading?: StoreReading): Promise<AuditReport> {
    const local = createFileStore();
    const store = {
      reading: reading ?? local.reading,
      listWitnesses: local.listWitnesses.bind(local),
      readMarker: local.readMarker.bind(local),
    };
    return auditJob(
      {
        journal: createMemoryJournal({ backing: this.job.backing, readBatchEntries: 3 }),
        store,
        survey: async () => [this.survey],
      },
      {
        job: JOB,
        naming: this.job.settings({ source: this.#source }).naming,
        moved: () => false,
        signal: new AbortController().signal,
        onProgress: () => undefined,
        ...options,
      },
    );
  }

  /** What a deep audit is given: the journal names the rule `null`. */
  deep(bucket: JsonValue = null): DeepSource {
    return { source: this.#source, clock: systemClock, assigner: () => this.#assigner, ...WRITTEN, bucket };
  }

  /** The source's records of a partition, to be changed. */
  log(partition: number): MemoryRecord[] {
    return this.#source.logs[partition] ?? [];
  }

  /** The source has forgotten what is below this offset. */
  forget(below: bigint): void {
    this.#source.ranges = async () =>
      this.#source.logs.map((log) => ({ startOffset: below, endOffset: BigInt(log.length) }));
  }

  /**
   * Changes the lines of a committed file, and all that the journal and the witnesses hold of it, as somebody
   * would who wants to hide it.
   */
  rewrite(partition: number, name: string, change: (lines: string[]) => string[]): void {
    const before = readFileSync(this.path(name), 'utf8').split('\n').slice(0, -1);
    const lines = change([...before]);
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    writeFileSync(this.path(name), bytes);
    const fewer = before.length - lines.length;
    this.forge(partition, (entries) => {
      const events = entries.flatMap((entry) => entry.events);
      const partId = events.find(({ finalUri }) => finalUri === this.uri(name))?.['partId'];
      const checkpoint = events.findLast(
        ({ type, parts }) =>
          type === 'checkpointCompleted' &&
          (parts as { partId: string }[]).some((part) => part.partId === partId),
      );
      const parts = (checkpoint?.['parts'] ?? []) as { partId: string; records: number }[];
      const part = parts.find((each) => each.partId === partId);
      if (checkpoint === undefined || part === undefined) throw new Error(`no checkpoint holds ${name}`);
      checkpoint['recordsRead'] = Number(checkpoint['recordsRead']) - fewer;
      Object.assign(part, { crc64: crc64Of(bytes), length: bytes.length, records: part.records - fewer });
      return entries;
    });
    rmSync(path.join(this.job.folder, '.tidemark/_witness'), { recursive: true, force: true });
    this.hasGroup = false;
  }

  /** Replaces a committed file. The journal then says of it what its bytes and its format are. */
  replaceFile(partition: number, name: string, bytes: Buffer, format: string): void {
    writeFileSync(this.path(name), bytes);
    this.forge(partition, (entries) => {
      const events = entries.flatMap((entry) => entry.events);
      const opened = events.find(({ finalUri }) => finalUri === this.uri(name));
      if (opened === undefined) throw new Error(`nothing opens ${name}`);
      opened['format'] = format;
      for (const { type, parts } of events) {
        if (type !== 'checkpointCompleted') continue;
        const part = (parts as { partId: string }[]).find(({ partId }) => partId === opened['partId']);
        if (part !== undefined) Object.assign(part, { crc64: crc64Of(bytes), length: bytes.length });
      }
      return entries;
    });
    // Witnesses would say that the journal was another one.
    rmSync(this.path('.tidemark/_witness'), { recursive: true, force: true });
    this.hasGroup = false;
  }

  /** Whether the group still has what the job has committed to it. */
  hasGroup = true;

  /** What the group has committed, as the source shows it. */
  get survey(): TopicSurvey {
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => {
      const last = this.#source.commits.findLast((commit) => commit.partition === `numbers/${partition}`);
      const ahead = BigInt(this.groupAhead[partition] ?? 0);
      return {
        ...{ startOffset: 0n, endOffset: BigInt(RECORDS), highWatermark: BigInt(RECORDS) },
        group:
          last === undefined || !this.hasGroup
            ? null
            : { offset: last.nextOffset + ahead, metadata: last.witness },
      };
    });
    return { topic: 'numbers', partitions };
  }

  /** By how much somebody has set the group's offset ahead, by partition. */
  readonly groupAhead: number[] = [];

  subject(partition: number): Subject {
    return partitionSubject(JOB, { topic: 'numbers', partition });
  }

  entries(partition: number): readonly StoredEntry[] {
    return this.job.backing.subjects.get(this.subject(partition)) ?? [];
  }

  replaceEntries(partition: number, entries: readonly StoredEntry[]): void {
    this.job.backing.subjects.set(this.subject(partition), [...entries]);
  }

  /** Changes entries and makes the hash chain fit again, as somebody would who wants to hide it. */
  forge(partition: number, change: (entries: PlainEntry[]) => PlainEntry[]): void {
    const before = this.entries(partition);
    const plain = before.map(({ bytes }) => JSON.parse(new TextDecoder().decode(bytes)) as PlainEntry);
    let prevHash: EntryHash = NO_HASH;
    const forged = change(plain).map((entry, index) => {
      const bytes = new TextEncoder().encode(JSON.stringify({ ...entry, seq: index + 1, prevHash }));
      prevHash = hashEntry(bytes);
      const last = before.at(-1)?.revision ?? 0;
      return { revision: before[index]?.revision ?? last + 1 + index - before.length, bytes };
    });
    this.replaceEntries(partition, forged);
    this.job.backing.lastRevision = Math.max(this.job.backing.lastRevision, forged.at(-1)?.revision ?? 0);
    // Snapshots of the true entries are of another chain now, and nobody would use them.
    this.job.backing.snapshots.delete(this.subject(partition));
  }

  /** Paths of committed files below the sink, of one partition, in the order of their offsets. */
  files(partition: number): string[] {
    return [...this.job.committed().keys()].filter((name) => name.startsWith(`part-numbers-${partition}-`));
  }

  path(name: string): string {
    return path.join(this.job.folder, name);
  }

  uri(name: string): string {
    return `file://${this.path(name)}`;
  }

  remove(): void {
    rmSync(this.job.folder, { recursive: true });
  }

  removeFile(name: string): void {
    rmSync(this.path(name), { recursive: true });
  }

  shorten(name: string): void {
    truncateSync(this.path(name), readFileSync(this.path(name)).length - 1);
  }

  changeByte(name: string): void {
    const bytes = readFileSync(this.path(name));
    bytes[3] = (bytes[3] ?? 0) ^ 1;
    writeFileSync(this.path(name), bytes);
  }

  swap(one: string, other: string): void {
    renameSync(this.path(one), this.path('swapped'));
    renameSync(this.path(other), this.path(one));
    renameSync(this.path('swapped'), this.path(other));
  }

  write(name: string, text: string): void {
    mkdirSync(path.dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text);
  }
}
