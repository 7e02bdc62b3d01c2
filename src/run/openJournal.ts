/**
 * Opens the journal for a run. A missing journal is created only if nothing witnesses an earlier one: no
 * marker or witness at the destination, and no witness in the metadata of the group's committed offsets.
 */
import { markerFolderUri, witnessesUri } from '../../actors/naming.ts';
import { isJournalFailure, JournalFailure } from '../../journal/failure.ts';
import { SourceFailure } from '../sources/failure.ts';
import type { Journal } from '../../journal/port.ts';
import { parseWitness } from '../../journal/witness.ts';
import type { JobConfig } from '../config/jobConfig.ts';
import type { Source } from '../sources/port.ts';
import type { Store } from '../stores/port.ts';
import { unmatchedPattern } from './endings.ts';
import type { Log } from '../telemetry/log.ts';

export interface JournalForRun {
  readonly config: Pick<JobConfig, 'job' | 'sink'>;
  readonly source: Source;
  readonly store: Store;
  readonly open: (access: 'create' | 'existing') => Promise<Journal>;
  /** Whether to wait for missing topics and brokers. */
  readonly wait: boolean;
  readonly signal: AbortSignal;
  readonly log: Log;
}

export async function openJournalForRun(options: JournalForRun): Promise<Journal> {
  try {
    return await options.open('existing');
  } catch (error) {
    if (!isJournalFailure(error, 'missing')) throw error;
    const witness = await findWitness(options);
    if (witness !== null) {
      throw new JournalFailure(
        'missing',
        `The journal of job "${options.config.job}" is missing, but ${witness} remembers it. Restore the ` +
          'journal; or, to begin anew, give the job another name and an empty destination.',
        { cause: error },
      );
    }
    return options.open('create');
  }
}

/** What witnesses an earlier journal of the job, in words; null if nothing does. Writes nothing. */
export async function findWitness({
  config,
  source,
  store,
  wait,
  signal,
  log,
}: Omit<JournalForRun, 'open'>): Promise<string | null> {
  const { uri, entropy } = config.sink;
  const marker = await store.readMarker(markerFolderUri({ sinkUri: uri, entropy }), config.job);
  if (marker !== null) return `the destination ${uri} (journal ${marker})`;
  if (await hasWitness(store, witnessesUri({ sinkUri: uri, entropy }, config.job)))
    return `the destination ${uri} (a witness in .tidemark/_witness/${config.job})`;
  if (source.kind !== 'kafka') return null;
  const onWaiting = (message: string): void => {
    log.warn({}, message);
  };
  const {
    topics,
    groupId,
    missing = [],
    unmatched = [],
  } = await source.describe({ wait, onWaiting, signal });
  if (!wait && topics.length === 0) refuseNothing(missing, unmatched);
  for (const { topic, partitions } of topics) {
    for (let partition = 0; partition < partitions; partition += 1) {
      const witness = parseWitness(await source.readWitness({ topic, partition }));
      if (witness?.job === config.job)
        return `group ${groupId ?? '-'} at ${topic}/${partition} (journal ${witness.journalId})`;
    }
  }
  return null;
}

/** A bounded run that would read nothing makes no journal. */
function refuseNothing(topics: readonly string[], patterns: readonly string[]): void {
  const [first] = patterns;
  if (topics.length > 0)
    throw new SourceFailure(
      'topicMissing',
      `Topic ${topics.join(', ')} does not exist. Create it; Tidemark never does.`,
      { fields: { topics } },
    );
  if (first !== undefined)
    throw new SourceFailure('topicMissing', unmatchedPattern(patterns.join(', ')).message, {
      fields: { patterns },
    });
}

/** The folder holds one folder per topic, and that one per partition. Empty ones do not count. */
async function hasWitness(store: Store, allUri: string): Promise<boolean> {
  for (const topic of await store.listWitnesses(allUri)) {
    for (const partition of await store.listWitnesses(`${allUri}/${topic}`)) {
      if ((await store.listWitnesses(`${allUri}/${topic}/${partition}`)).length > 0) return true;
    }
  }
  return false;
}
