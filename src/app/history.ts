/** The commands that look back: they read the journal, and what it speaks of, and write nothing. */
import type { Entry } from '../../journal/entry.ts';
import type { Journal } from '../../journal/port.ts';
import { auditJob } from '../audit/auditJob.ts';
import type { AuditReport } from '../audit/auditReport.ts';
import type { DeepSource } from '../audit/deep/deepAudit.ts';
import { explainFile, livesOf } from '../audit/explainFile.ts';
import { explainRecord } from '../audit/explainRecord.ts';
import { verifyJournal } from '../audit/verifyJournal.ts';
import { bucketIn, contentIn } from '../audit/jobHistory.ts';
import { partitionEntries } from '../audit/partitionEntries.ts';
import { replayJob } from '../audit/replayJob.ts';
import type { TimelineStep } from '../audit/timeline.ts';
import type { JobConfig } from '../config/jobConfig.ts';
import { SourceFailure } from '../sources/failure.ts';
import type { Source } from '../sources/port.ts';
import { orLate } from '../system/bounded.ts';
import { noFailpoints } from '../system/failpoints.ts';
import type { Log } from '../telemetry/log.ts';
import { diffJournal, printedFold } from './journalDiff.ts';
import { namingOf, systemPorts, type Composition } from './compose.ts';
import type {
  AuditCommandOptions,
  Backend,
  EntriesOptions,
  ExplainOptions,
  Explained,
  JournalChoice,
  ReplayCommandOptions,
} from './contract.ts';

/** How often `--follow` looks for new entries. */
const FOLLOW_MS = 500;
/** How long the source may take to say what its group has committed; a broker that hangs says nothing else. */
const SURVEY_MS = 15_000;
/** How long clients may take to close. A command that only reads does not wait longer. */
const CLOSE_MS = 2_000;

export function historyCommands(
  composition: Composition,
): Pick<
  Backend,
  | 'auditJob'
  | 'verifyJournal'
  | 'diffJournal'
  | 'foldJournal'
  | 'replayJournal'
  | 'partitionEntries'
  | 'explain'
> {
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
