/** What `tidemark doctor` checks of the job as a whole, once the others have answered. */
import { hasRowsFile, markerFolderUri } from '../../../actors/naming.ts';
import { isJournalFailure } from '../../../journal/failure.ts';
import type { JournalId } from '../../../journal/ids.ts';
import type { Journal } from '../../../journal/port.ts';
import { jobPrefix } from '../../../journal/subjects.ts';
import { check, fail, notDone, pass, warn, type Finding, type Probe } from '../../../kernels/checks/check.ts';
import { counted } from '../../../kernels/checks/sizes.ts';
import type { JobConfig } from '../../config/jobConfig.ts';
import { PRESENCE_STALE_MS } from '../../presence/keeper.ts';
import { decodePresence } from '../../presence/record.ts';
import type { SourceProbe } from '../../sources/kind.ts';
import type { Store } from '../../stores/port.ts';
import { noFailpoints } from '../../system/failpoints.ts';
import { openFiles } from '../../system/openFilesMax.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Composition } from '../compose.ts';
import { partFormatOf } from '../content.ts';
import { kindOf } from '../registeredKinds.ts';
import type { CheckArea } from './doctorReport.ts';
import type { AreaFound } from './runChecks.ts';

const JOURNAL_WAIT_MS = 5_000;

export interface JobProbing {
  readonly composition: Composition;
  readonly config: JobConfig;
  readonly log: Log;
  readonly source: Pick<SourceProbe, 'partitions'>;
  /** What the other areas have found. */
  readonly before: Promise<ReadonlyMap<CheckArea, AreaFound>>;
}

export function jobProbe(probing: JobProbing): Probe {
  const opened: { close(): Promise<void> }[] = [];
  return {
    checks: [
      check('job-open-files', [], async () => openFilesFinding(openFilesOf(probing))),
      check('job-journal', [], () => journalCheck(probing, opened)),
      check('job-coordinators', [], () => coordinators(probing, opened)),
    ],
    isAway: (error) => isJournalFailure(error, 'unavailable'),
    close: async () => {
      await Promise.allSettled(opened.map((one) => one.close()));
    },
  };
}

export interface OpenFilesFacts {
  /** Part files that the system lets the process hold open. */
  readonly partsMax: number;
  /** `bucket.maxOpen`. Null: not set. */
  readonly wantedMax: number | null;
  /** Null: not known. */
  readonly partitions: number | null;
}

function openFilesOf({ composition, config, source }: JobProbing): OpenFilesFacts {
  const { holdsFiles } = kindOf(composition.kinds.sources, config.source);
  const { partsMax } = openFiles(holdsFiles, hasRowsFile(partFormatOf(config, composition.kinds).id));
  return { partsMax, wantedMax: config.openFilesMax ?? null, partitions: source.partitions() };
}

export function openFilesFinding({ partsMax, wantedMax, partitions }: OpenFilesFacts): Finding {
  const most = Math.min(partsMax, wantedMax ?? Infinity);
  const whose = wantedMax !== null && wantedMax <= partsMax ? 'bucket.maxOpen' : 'the limit of open files';
  const found =
    `${most} part files may be open at once (${whose})` +
    (partitions === null ? '' : `, for ${counted(partitions, 'partition')}`);
  const mend = 'Raise the limit of the process: `ulimit -n 65536`, or LimitNOFILE= of the unit.';
  if (wantedMax !== null && wantedMax > partsMax)
    return warn(`bucket.maxOpen is ${wantedMax}, and the system allows ${partsMax}`, mend);
  return partitions !== null && partitions > most
    ? warn(`${found}: files are closed early, and small`, mend)
    : pass(found);
}

/** That the journal and the destination know one another. */
async function journalCheck(probing: JobProbing, opened: { close(): Promise<void> }[]): Promise<Finding> {
  const missing = missingOf(await probing.before, 'journal', 'sink');
  if (missing !== null) return missing;
  const { composition, config, log } = probing;
  const journal = await journalOf(probing);
  if (journal !== null) opened.push(journal);
  const store: Store = await composition.store(config, noFailpoints, log);
  opened.push(store);
  const { uri, entropy } = config.sink;
  const marker = await store.readMarker(markerFolderUri({ sinkUri: uri, entropy }), config.job);
  const entries = (await journal?.subjects(jobPrefix(config.job))) ?? [];
  return journalFinding({
    journal: journal?.id ?? null,
    hasEntries: entries.length > 0,
    marker,
    sinkUri: uri,
  });
}

/** Where something was not done in one of these areas: what was the first to fail. */
function missingOf(
  before: ReadonlyMap<CheckArea, AreaFound>,
  ...areas: readonly CheckArea[]
): Finding | null {
  for (const area of areas) {
    const checks = before.get(area)?.checks ?? [];
    if (checks.every(({ outcome }) => outcome !== 'notDone')) continue;
    const first = checks.find(({ outcome }) => outcome === 'fail' || outcome === 'notDone');
    const why = first?.outcome === 'fail' ? 'has failed' : 'was not done';
    return notDone(`it needs the ${area}, whose ${first?.id ?? 'check'} ${why}`, '');
  }
  return null;
}

async function journalOf({ composition, config, log }: JobProbing): Promise<Journal | null> {
  try {
    return await composition.journal(config, { access: 'read', log, waitForServerMs: JOURNAL_WAIT_MS });
  } catch (error) {
    if (isJournalFailure(error, 'missing')) return null;
    throw error;
  }
}

export interface JournalFacts {
  /** Null: there is none yet. */
  readonly journal: JournalId | null;
  /** Whether it holds anything of this job. */
  readonly hasEntries: boolean;
  /** The journal that the destination names for this job. Null: no marker. */
  readonly marker: JournalId | null;
  readonly sinkUri: string;
}

export function journalFinding({ journal, hasEntries, marker, sinkUri }: JournalFacts): Finding {
  if (marker === null) {
    if (!hasEntries) return pass('a new job: neither the journal nor the sink knows it');
    return warn(
      `the journal has entries of this job, and ${sinkUri} has no marker of it`,
      'If files were written there once, mount the file system of the sink: nothing is written without it.',
    );
  }
  if (journal === marker) return pass(`the marker of ${sinkUri} names this journal, ${marker}`);
  const which = journal === null ? 'and there is none' : `and this one is ${journal}`;
  return fail(
    `${sinkUri} was written by the journal ${marker}, ${which}`,
    "Point the job at that journal, restore it, or choose another sink or job's name.",
  );
}

async function coordinators(
  { composition, config, log, before }: JobProbing,
  opened: { close(): Promise<void> }[],
): Promise<Finding> {
  const missing = missingOf(await before, 'journal');
  if (missing !== null) return missing;
  const board = await composition.presence(config, log);
  opened.push(board);
  const live = (await board.read(config.job))
    .filter(({ ageMs }) => ageMs <= PRESENCE_STALE_MS)
    .flatMap(({ bytes }) => decodePresence(bytes) ?? []);
  return pass(
    live.length === 0
      ? 'no coordinator of this job runs'
      : `running: ${live.map(({ host, pid, version }) => `${host}:${pid} (${version})`).join(', ')}`,
  );
}
