/**
 * One job of a test: its folder, its job file, the real command on it, its files and what its journal says.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import type { JobName, TopicPartition } from '../../journal/ids.ts';
import type { JobEvent, PartitionEvent } from '../../journal/events.ts';
import type { Journal } from '../../journal/port.ts';
import { replay } from '../../journal/replay.ts';
import { jobSubject, partitionSubject } from '../../journal/subjects.ts';
import { backend } from '../../src/app/application.ts';
import { jsonText } from '../../src/cli/report.ts';
import { Composition } from '../../src/app/compose.ts';
import type { JobConfig } from '../../src/config/jobConfig.ts';
import { loadJobConfig } from '../../src/app/jobFile/loadJobConfig.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { committedDigests } from './numbers.ts';
import { tidemark, TidemarkProcess, type ProcessEnd } from './tidemarkProcess.ts';

/** A name that no other test of any run uses. */
export function uniqueName(theme: string): string {
  return `${theme}-${randomBytes(4).toString('hex')}`;
}

const LINGERING = 'a connection was not closed';

/**
 * The exit code, and that nothing kept the process; where it is another, the last lines of the log say why.
 */
export function expectCode({ code, stderr }: ProcessEnd, expected: number): void {
  const said = stderr.split('\n').filter((line) => !line.startsWith('{"level":"debug"'));
  const isLingering = stderr.includes(LINGERING);
  expect({ code, isLingering }, said.slice(-25).join('\n')).toEqual({ code: expected, isLingering: false });
}

/** A folder that is gone when the test has ended. */
export function scratchFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-run-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

export interface TestJobOptions {
  readonly brokers: readonly string[];
  /** Also the job's name and its group. */
  readonly topic: string;
  readonly topics?: readonly string[];
  readonly folder?: string;
  readonly groupId?: string;
  /** Instead of an SQLite journal. */
  readonly nats?: { readonly url: string; readonly stream?: string };
  /** Whole sections of the job file. */
  readonly sections?: Readonly<Record<string, unknown>>;
}

/** What `tidemark status --json` prints, as far as the tests read it. */
export interface StatusDocument {
  readonly job: string;
  readonly journal: { readonly kind: string; readonly id: string };
  readonly coordinators: readonly {
    readonly pid: number;
    readonly isLive: boolean;
    readonly partitions: readonly { readonly name: string; readonly state: string }[];
    readonly conditions: readonly {
      readonly kind: string;
      readonly about: string;
      readonly message: string;
    }[];
  }[];
  readonly dependencies: readonly { readonly name: string; readonly state: string }[];
  readonly partitions: readonly PartitionDocument[];
}

export interface PartitionDocument {
  readonly topic: string;
  readonly partition: number;
  readonly state: string;
  readonly epoch: number;
  readonly nextOffset: string;
  readonly lag: string | null;
  readonly recordsRead: number;
  readonly recordsSkipped: number;
  readonly committedFiles: number;
  readonly stop: {
    readonly code: string;
    readonly message: string;
    readonly fromOffset: string | null;
    readonly toOffset: string | null;
  } | null;
  readonly buckets: readonly {
    readonly bucket: string;
    readonly parts: readonly {
      readonly state: string;
      readonly length: number;
      readonly records: number;
      readonly temporaryUri: string;
      readonly finalUri: string;
    }[];
  }[];
}

export class TestJob {
  readonly name: string;
  readonly folder: string;
  readonly lake: string;
  readonly file: string;

  constructor({
    brokers,
    topic,
    topics = [topic],
    folder = scratchFolder(),
    groupId = topic,
    nats,
    sections = {},
  }: TestJobOptions) {
    this.name = topic;
    this.folder = folder;
    this.lake = path.join(folder, 'lake');
    this.file = path.join(folder, 'job.yaml');
    const document = {
      job: topic,
      source: { kafka: { brokers, topics, groupId } },
      sink: { path: 'lake' },
      bucket: { by: 'none' },
      roll: { maxBytes: '64MiB', maxAge: '1h', maxIdle: '1h' },
      checkpoint: { interval: '200ms' },
      http: { port: 0 },
      ...(nats === undefined
        ? {}
        : { journal: { nats: { servers: [nats.url], stream: nats.stream ?? 'TIDEMARK' } } }),
      ...sections,
    };
    writeFileSync(this.file, stringify(document));
  }

  get sqliteFile(): string {
    return path.join(this.folder, '.tidemark', 'journal.db');
  }

  /** The coordinator service; it does not outlive the test. */
  start(...args: string[]): TidemarkProcess {
    const process = new TidemarkProcess(['run', this.file, '--log-level', 'debug', ...args]);
    onTestFinished(async () => {
      await process.killed();
    });
    return process;
  }

  /** The same, where the system lets it hold so many files open. */
  startLimited(handlesMax: number, ...args: string[]): TidemarkProcess {
    const process = new TidemarkProcess(['run', this.file, ...args], {}, undefined, handlesMax);
    onTestFinished(async () => {
      await process.killed();
    });
    return process;
  }

  /** `run --until-end`, to its end. */
  async untilEnd(...args: string[]): Promise<ProcessEnd> {
    return this.start('--until-end', ...args).ended;
  }

  /** The same, which has to succeed. */
  async finish(...args: string[]): Promise<ProcessEnd> {
    const end = await this.untilEnd(...args);
    expectCode(end, 0);
    return end;
  }

  async command(name: string, ...args: string[]): Promise<ProcessEnd> {
    return tidemark([name, this.file, ...args]);
  }

  /** What `tidemark status --json` prints; the test of that command runs it as a process. */
  async status(): Promise<StatusDocument> {
    const status = await backend.readStatus(this.#config(), { log: silentLog });
    return JSON.parse(jsonText(status)) as StatusDocument;
  }

  async partitions(): Promise<readonly PartitionDocument[]> {
    return (await this.status()).partitions;
  }

  /** Every event of a partition, oldest first, with the epoch that journaled it. */
  async events(at: TopicPartition): Promise<readonly (PartitionEvent & { readonly epoch: number })[]> {
    return this.#read(async (journal, job) => {
      const events: (PartitionEvent & { readonly epoch: number })[] = [];
      for await (const { entry } of replay(journal, partitionSubject(job, at))) {
        for (const event of entry.events) events.push({ ...(event as PartitionEvent), epoch: entry.epoch });
      }
      return events;
    });
  }

  async jobEvents(): Promise<readonly JobEvent[]> {
    return this.#read(async (journal, job) => {
      const events: JobEvent[] = [];
      for await (const { entry } of replay(journal, jobSubject(job)))
        events.push(...(entry.events as JobEvent[]));
      return events;
    });
  }

  #config(): JobConfig {
    return loadJobConfig({ path: this.file, overrides: [], env: {}, cwd: this.folder });
  }

  async #read<T>(look: (journal: Journal, job: JobName) => Promise<T>): Promise<T> {
    const config = this.#config();
    const journal = await new Composition().journal(config, { access: 'read', log: silentLog });
    try {
      return await look(journal, config.job);
    } finally {
      await journal.close();
    }
  }

  /** Lines of every committed file, by its path below the sink. */
  committed(): Map<string, readonly string[]> {
    if (!existsSync(this.lake)) return new Map();
    return new Map(
      [...committedDigests(this.lake).keys()]
        .sort()
        .map((name) => [name, readFileSync(path.join(this.lake, name), 'utf8').split('\n').slice(0, -1)]),
    );
  }
}
