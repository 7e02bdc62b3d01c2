/**
 * `tidemark audit`: replays the journal and compares it with the destination, the group and, if asked, the
 * source.
 */
import { auditJob, type AuditProgress } from '../audit/auditJob.ts';
import type { AuditReport } from '../audit/auditReport.ts';
import type { DeepSource } from '../audit/deep/deepAudit.ts';
import { bucketIn, contentIn } from '../job/placing.ts';
import type { MovedAway } from '../audit/partFileComparison.ts';
import type { JobConfig } from '../config/jobConfig.ts';
import { SourceFailure } from '../sources/failure.ts';
import type { Source } from '../sources/port.ts';
import { orLate } from '../system/bounded.ts';
import { noFailpoints } from '../system/failpoints.ts';
import type { Log } from '../telemetry/log.ts';
import { Clients } from './clients.ts';
import { namingOf, systemPorts, type Composition } from './compose.ts';
import type { JournalChoice } from './journalCopy.ts';

/**
 * How long the source may take to say what its group has committed; a broker that hangs says nothing else.
 */
const SURVEY_MS = 15_000;

export interface AuditCommandOptions extends JournalChoice {
  /** Which committed files may be gone. */
  readonly moved: MovedAway;
  /** Whether the source is read, too. */
  readonly deep: boolean;
  readonly log: Log;
  /** May be called at any rate. */
  readonly onProgress: (progress: AuditProgress) => void;
}

/** Rejects if the journal cannot be read. */
export async function audit(
  composition: Composition,
  config: JobConfig,
  { moved, deep, journalFile, log, onProgress }: AuditCommandOptions,
): Promise<AuditReport> {
  const clients = new Clients();
  try {
    const journal = clients.add(await composition.journalOrCopy(config, journalFile, log));
    const store = clients.add(await composition.store(config, noFailpoints, log));
    const surveyor = clients.add(await composition.surveyor(config, log));
    const source = deep ? await composition.source(config, { log, choices: { untilEnd: true } }) : null;
    if (source !== null) clients.addSource(source);
    return await auditJob(
      { journal, store, survey: (topics) => answered(surveyor.survey(topics)) },
      {
        ...{ job: config.job, moved, onProgress, naming: namingOf(config) },
        signal: new AbortController().signal,
        ...(source === null ? {} : { deep: deepSource(composition, config, source) }),
      },
    );
  } finally {
    await clients.close();
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
