/** `tidemark audit` on a job of a test, as a process, and its sums against an independent count. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { tidemark, type ProcessEnd } from './tidemarkProcess.ts';
import { inTier } from '../../scripts/testTiers.ts';

/** How often the coordinators of a test are killed. */
export const KILLS = inTier({ test: 6, check: 6, full: 20 });

/** What `tidemark audit --json` prints, as far as the tests read it. */
export interface AuditDocument {
  readonly verdict: string;
  readonly partitions: readonly {
    readonly partition: { readonly topic: string; readonly partition: number };
    readonly offsets: { readonly first: string | null; readonly next: string | null };
    readonly records: { readonly read: number; readonly committed: number; readonly open: number };
    readonly files: { readonly committed: number; readonly committedBytes: number };
    readonly buckets: readonly Sums[];
  }[];
  readonly findings: readonly {
    readonly code: string;
    readonly partition: { readonly topic: string; readonly partition: number } | null;
    readonly seq: number | null;
    readonly uri: string | null;
    readonly message: string;
  }[];
  readonly findingsTotal: number;
  readonly unchecked: readonly { readonly what: string; readonly code: string; readonly message: string }[];
  /** Null without `--deep`. */
  readonly deep:
    | readonly {
        readonly comparedBy: string;
        readonly from: string;
        readonly to: string;
        readonly notInSource: string;
        readonly expired: string;
        readonly records: number;
        readonly nullValues: number;
        readonly holes: string;
        readonly holesBy: Readonly<Record<'markers' | 'aborted' | 'compacted' | 'unknown', string>>;
        readonly unknownHoles: readonly {
          readonly from: string;
          readonly to: string;
          readonly holes: string;
        }[];
        readonly removedSince: number;
        readonly files: { readonly compared: number; readonly notCompared: number };
      }[]
    | null;
  readonly files: {
    readonly compared: number;
    readonly comparedBytes: number;
    readonly moved: number;
    readonly others: number;
  };
}

interface Sums {
  readonly bucket: string;
  readonly files: number;
  readonly records: number;
  readonly bytes: number;
}

export interface AuditedJob {
  /** Path of the job file. */
  readonly file: string;
  readonly env?: Readonly<Record<string, string>>;
}

export const auditOf = ({ file, env }: AuditedJob, ...args: string[]): Promise<ProcessEnd> =>
  tidemark(['audit', file, '--json', ...args], env);

/** The job is as its journal says, and all of it could be looked at. */
export async function cleanAudit(job: AuditedJob, ...args: string[]): Promise<AuditDocument> {
  const { code, stdout, stderr } = await auditOf(job, ...args);
  expect(code, `${stdout}${stderr}`).toBe(0);
  const audit = JSON.parse(stdout) as AuditDocument;
  const { verdict, findings, unchecked } = audit;
  expect({ verdict, findings, unchecked }).toEqual({ verdict: 'clean', findings: [], unchecked: [] });
  return audit;
}

/** The sums of a deep audit are those of the files: all of them are committed, one line a record. */
export function expectSums(
  { partitions, files, deep }: AuditDocument,
  lake: string,
  sent: readonly number[],
): void {
  const records = partitions.map(({ records: { read, committed, open } }) => ({ read, committed, open }));
  expect(records).toEqual(sent.map((count) => ({ read: count, committed: count, open: 0 })));
  expect(deep?.map((each) => each.records)).toEqual(sent);
  expect(deep?.map((each) => each.files)).toEqual(
    partitions.map(({ files: { committed } }) => ({ compared: committed, notCompared: 0 })),
  );
  const counted = sumsOf(lake);
  expect(merged(partitions.flatMap(({ buckets }) => buckets))).toEqual(counted);
  const sum = (of: (each: Sums) => number): number => counted.reduce((total, each) => total + of(each), 0);
  expect(files).toMatchObject({ compared: sum((each) => each.files), moved: 0, others: 0 });
  expect(files.comparedBytes).toBe(sum((each) => each.bytes));
}

/** Visible files below a folder, by the folder that they are in. */
function sumsOf(lake: string): Sums[] {
  const visible = readdirSync(lake, { recursive: true, withFileTypes: true }).filter(
    (entry) =>
      entry.isFile() && !path.relative(lake, path.join(entry.parentPath, entry.name)).includes('.tidemark'),
  );
  return merged(
    visible.map(({ parentPath, name }) => {
      const bytes = readFileSync(path.join(parentPath, name));
      const records = bytes.filter((byte) => byte === 0x0a).length;
      return { bucket: path.relative(lake, parentPath), files: 1, records, bytes: bytes.length };
    }),
  );
}

function merged(all: readonly Sums[]): Sums[] {
  const byBucket = new Map<string, Sums>();
  for (const { bucket, files, records, bytes } of all) {
    const before = byBucket.get(bucket) ?? { files: 0, records: 0, bytes: 0 };
    byBucket.set(bucket, {
      ...{ bucket, files: before.files + files },
      ...{ records: before.records + records, bytes: before.bytes + bytes },
    });
  }
  return [...byBucket.values()].sort((a, b) => (a.bucket < b.bucket ? -1 : 1));
}

/** Audits that are made while the job runs, by the number of the life: some end in it, some outlast it. */
export class AuditsMeanwhile {
  readonly #job: AuditedJob;
  readonly #running: Promise<unknown>[] = [];
  made = 0;

  constructor(job: AuditedJob) {
    this.#job = job;
  }

  /** In every fourth life one is made before the kill; in every fourth the job is killed during one. */
  async during(life: number): Promise<void> {
    if (life % 4 !== 0 && life % 4 !== 2) return;
    this.made += 1;
    const audit = cleanAudit(this.#job, ...(this.made % 2 === 0 ? ['--deep'] : []));
    this.#running.push(audit);
    // Its failure is told by `ended`.
    if (life % 4 === 0) await audit.catch(() => undefined);
    else audit.catch(() => undefined);
  }

  async ended(): Promise<void> {
    await Promise.all(this.#running);
  }
}
