/** The commands that read a journal alone, the job's own or a copy of it: verify, replay and explain. */
import type { Entry } from '../../journal/entry.ts';
import type { TopicPartition } from '../../journal/ids.ts';
import type { Journal } from '../../journal/port.ts';
import type { JournalReport } from '../audit/auditReport.ts';
import { explainFile, livesOf } from '../audit/explainFile.ts';
import { explainRecord, type RecordLife } from '../audit/explainRecord.ts';
import type { FileLife } from '../audit/fileLives.ts';
import { partitionEntries as entriesOf } from '../audit/partitionEntries.ts';
import { replayJob, type TimelineFilter } from '../audit/replayJob.ts';
import type { TimelineStep } from '../audit/timeline.ts';
import { verifyJournal as verify, type VerifyProgress } from '../audit/verifyJournal.ts';
import type { JobConfig } from '../config/jobConfig.ts';
import type { Log } from '../telemetry/log.ts';
import { systemPorts, type Composition } from './compose.ts';
import type { JournalChoice } from './journalCopy.ts';

/** How often `--follow` looks for new entries. */
const FOLLOW_MS = 500;

export interface VerifyOptions extends JournalChoice {
  readonly log: Log;
  /** May be called at any rate. */
  readonly onProgress: (progress: VerifyProgress) => void;
}

export interface ReplayCommandOptions extends JournalChoice {
  readonly filter: TimelineFilter;
  /** Waits for new entries at the journal's end, until the process ends. */
  readonly follow: boolean;
  readonly log: Log;
}

export interface EntriesOptions extends JournalChoice {
  readonly partition: TopicPartition;
  readonly log: Log;
}

export interface ExplainOptions extends JournalChoice {
  readonly subject:
    | { readonly type: 'record'; readonly partition: TopicPartition; readonly offset: bigint }
    | { readonly type: 'file'; readonly name: string };
  readonly log: Log;
}

/** A record's whereabouts (null if a file was asked for), and the lives of its files. */
export interface Explained {
  readonly record: RecordLife | null;
  readonly files: readonly FileLife[];
}

export function verifyJournal(
  composition: Composition,
  config: JobConfig,
  options: VerifyOptions,
): Promise<JournalReport> {
  const { onProgress } = options;
  return withJournal(composition, config, options, (journal) =>
    verify(journal, { job: config.job, onProgress }),
  );
}

export async function* replayJournal(
  composition: Composition,
  config: JobConfig,
  { filter, follow, journalFile, log }: ReplayCommandOptions,
): AsyncGenerator<TimelineStep> {
  const journal = await composition.journalOrCopy(config, journalFile, log);
  try {
    const waiting = follow ? { follow: () => systemPorts.clock.pause(FOLLOW_MS) } : {};
    yield* replayJob(journal, { job: config.job, filter, ...waiting });
  } finally {
    await journal.close();
  }
}

export async function* partitionEntries(
  composition: Composition,
  config: JobConfig,
  { partition, journalFile, log }: EntriesOptions,
): AsyncGenerator<Entry> {
  const journal = await composition.journalOrCopy(config, journalFile, log);
  try {
    yield* entriesOf(journal, config.job, partition);
  } finally {
    await journal.close();
  }
}

export function explain(
  composition: Composition,
  config: JobConfig,
  options: ExplainOptions,
): Promise<Explained> {
  const { job } = config;
  const { subject } = options;
  return withJournal(composition, config, options, async (journal) => {
    if (subject.type === 'file')
      return { record: null, files: await explainFile(journal, job, subject.name) };
    const record = await explainRecord(journal, job, subject.partition, subject.offset);
    const ids = record.outcomes.flatMap((outcome) =>
      outcome.type === 'read' ? outcome.candidates.map(({ partId }) => partId) : [],
    );
    return { record, files: await livesOf(journal, job, subject.partition, new Set(ids)) };
  });
}

async function withJournal<T>(
  composition: Composition,
  config: JobConfig,
  { journalFile, log }: JournalChoice & { readonly log: Log },
  work: (journal: Journal) => Promise<T>,
): Promise<T> {
  const journal = await composition.journalOrCopy(config, journalFile, log);
  try {
    return await work(journal);
  } finally {
    await journal.close();
  }
}
