/** The commands that look back: they read the journal, and what it speaks of, and write nothing. */
import type { Entry } from '../../journal/entry.ts';
import type { JobName, TopicPartition } from '../../journal/ids.ts';
import type { Journal } from '../../journal/port.ts';
import { auditJob, type AuditProgress } from '../audit/auditJob.ts';
import type { AuditReport, JournalReport } from '../audit/auditReport.ts';
import type { DeepSource } from '../audit/deep/deepAudit.ts';
import { explainFile, livesOf } from '../audit/explainFile.ts';
import { explainRecord, type RecordLife } from '../audit/explainRecord.ts';
import type { FileLife } from '../audit/fileLives.ts';
import { bucketIn, contentIn } from '../audit/jobHistory.ts';
import { partitionEntries } from '../audit/partitionEntries.ts';
import type { MovedAway } from '../audit/partFileComparison.ts';
import { replayJob, type TimelineFilter } from '../audit/replayJob.ts';
import type { TimelineStep } from '../audit/timeline.ts';
import { verifyJournal, type VerifyProgress } from '../audit/verifyJournal.ts';
import type { JobConfig } from '../config/jobConfig.ts';
import { SourceFailure } from '../sources/failure.ts';
import type { Source } from '../sources/port.ts';
import { orLate } from '../system/bounded.ts';
import { noFailpoints } from '../system/failpoints.ts';
import type { Log } from '../telemetry/log.ts';
import { diffJournal, printedFold, type DiffOptions, type DiffReport } from './journalDiff.ts';
import { namingOf, systemPorts, type Composition } from './compose.ts';
import type { JournalChoice } from './journalCopy.ts';

/** How often `--follow` looks for new entries. */
const FOLLOW_MS = 500;
/** How long the source may take to say what its group has committed; a broker that hangs says nothing else. */
const SURVEY_MS = 15_000;
/** How long clients may take to close. A command that only reads does not wait longer. */
const CLOSE_MS = 2_000;

export interface AuditCommandOptions extends JournalChoice {
  /** Which committed files may be gone. */
  readonly moved: MovedAway;
  /** Whether the source is read, too. */
  readonly deep: boolean;
  readonly log: Log;
  /** May be called at any rate. */
  readonly onProgress: (progress: AuditProgress) => void;
}

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

export interface HistoryCommands {
  /** The journal as a timeline. Rejects at an entry that cannot be replayed. */
  readonly replayJournal: (config: JobConfig, options: ReplayCommandOptions) => AsyncIterable<TimelineStep>;
  /**
   * Entries of the job's own life, then of the partition, each checked. Rejects with REQUEST_REFUSED if the journal
   * holds nothing of the partition.
   */
  readonly partitionEntries: (config: JobConfig, options: EntriesOptions) => AsyncIterable<Entry>;
  /** Rejects with REQUEST_REFUSED if the journal does not know the file or the partition. */
  readonly explain: (config: JobConfig, options: ExplainOptions) => Promise<Explained>;
  /**
   * Replays the journal and compares it with the destination and the group. Writes nothing; the job may be running.
   * Rejects if the journal cannot be read.
   */
  readonly auditJob: (config: JobConfig, options: AuditCommandOptions) => Promise<AuditReport>;
  /** Replays the journal, and asks nothing else. Writes nothing; the job may be running. */
  readonly verifyJournal: (config: JobConfig, options: VerifyOptions) => Promise<JournalReport>;
  /** Replays the journal by this version and by another installed one. Writes nothing to it. */
  readonly diffJournal: (config: JobConfig, options: DiffOptions) => Promise<DiffReport>;
  /** What this version makes of each entry of a portable file, as lines for `diffJournal` of another version. */
  readonly foldJournal: (job: JobName, file: string) => AsyncIterable<string>;
}

export function historyCommands(composition: Composition): HistoryCommands {
  return {
    auditJob: (config, options) => audit(composition, config, options),
    verifyJournal: (config, options) =>
      withJournal(composition, config, options, (journal) =>
        verifyJournal(journal, { job: config.job, onProgress: options.onProgress }),
      ),
    diffJournal: (config, options) => diffJournal(composition, config, options),
    foldJournal: printedFold,
    replayJournal: (config, options) => replayed(composition, config, options),
    partitionEntries: (config, options) => entriesOf(composition, config, options),
    explain: (config, options) => explained(composition, config, options),
  };
}

async function audit(
  composition: Composition,
  config: JobConfig,
  { moved, deep, journalFile, log, onProgress }: AuditCommandOptions,
): Promise<AuditReport> {
  const closing: (() => Promise<void>)[] = [];
  const closed = <T extends { close(): Promise<void> }>(opened: T): T => {
    closing.push(() => opened.close());
    return opened;
  };
  try {
    const journal = closed(await composition.journalOrCopy(config, journalFile, log));
    const store = closed(await composition.store(config, noFailpoints, log));
    const surveyor = closed(await composition.surveyor(config, log));
    const source = deep ? await composition.source(config, { log, choices: { untilEnd: true } }) : null;
    if (source !== null) closing.push(() => source.stop());
    return await auditJob(
      { journal, store, survey: (topics) => answered(surveyor.survey(topics)) },
      {
        ...{ job: config.job, moved, onProgress, naming: namingOf(config) },
        signal: new AbortController().signal,
        ...(source === null ? {} : { deep: deepSource(composition, config, source) }),
      },
    );
  } finally {
    const all = Promise.allSettled(closing.map((close) => close()));
    await Promise.race([all, systemPorts.clock.pause(CLOSE_MS)]);
  }
}

function deepSource(composition: Composition, config: JobConfig, source: Source): DeepSource {
  const { assigner, format, bad, effectiveConfig } = composition.settings(config, {
    untilEnd: true,
    moves: [],
  });
  const { clock } = systemPorts;
  const [bucket, content] = [bucketIn(effectiveConfig), contentIn(effectiveConfig)];
  return { source, clock, assigner, format, bad, bucket, content };
}

/** The answer. Rejects with SOURCE_UNAVAILABLE if there is none in time. */
function answered<T>(answer: Promise<T>): Promise<T> {
  const message = `The source did not answer within ${SURVEY_MS / 1_000} s.`;
  return orLate(systemPorts.clock, SURVEY_MS, answer, () => new SourceFailure('unavailable', message));
}

async function* replayed(
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

async function* entriesOf(
  composition: Composition,
  config: JobConfig,
  { partition, journalFile, log }: EntriesOptions,
): AsyncGenerator<Entry> {
  const journal = await composition.journalOrCopy(config, journalFile, log);
  try {
    yield* partitionEntries(journal, config.job, partition);
  } finally {
    await journal.close();
  }
}

function explained(composition: Composition, config: JobConfig, options: ExplainOptions): Promise<Explained> {
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
