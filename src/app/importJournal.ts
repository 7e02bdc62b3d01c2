/** `tidemark journal import`: everything is checked first, then the journal's kind writes it. */
import { checkCopy } from '../../journal/backup/checkedCopy.ts';
import { TidemarkError } from '../../journal/errors.ts';
import { interrupted, NOTHING_WRITTEN, type ImportFound } from '../../journal/importing.ts';
import type { Journal } from '../../journal/port.ts';
import { verifyJournal } from '../audit/verifyJournal.ts';
import type { JobConfig } from '../config/jobConfig.ts';
import { PRESENCE_STALE_MS } from '../presence/keeper.ts';
import { decodePresence } from '../presence/record.ts';
import { orAborted } from '../system/bounded.ts';
import type { Composition } from './compose.ts';
import type { ImportOptions } from './contract.ts';
import { openExport } from './journalCopy.ts';

export async function importJournal(
  composition: Composition,
  config: JobConfig,
  options: ImportOptions,
): Promise<ImportFound> {
  const { file, log, signal, onProgress } = options;
  const { job } = config;
  await refuseLiving(composition, config, options);
  const checking = ({ entries }: { readonly entries: number }): void => {
    onProgress({ phase: 'checking', entries });
  };
  const source = await beforeWriting(signal, () =>
    openExport(composition.kinds, { file, job, onProgress: checking }),
  );
  try {
    const copy = await beforeWriting(signal, async () => {
      await refuseUnsound(source, config, options);
      return checkCopy(source, { file, job, onProgress: checking, signal });
    });
    return await composition.importCopy(config, {
      ...{ copy, log, signal },
      onProgress: ({ entries }) => onProgress({ phase: 'importing', entries }),
    });
  } finally {
    await source.close();
  }
}

async function beforeWriting<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await orAborted(signal, work());
  } catch (error) {
    throw signal.aborted ? interrupted(NOTHING_WRITTEN, error) : error;
  }
}

/** What no version could go on with is not moved. */
async function refuseUnsound(
  source: Journal,
  { job }: JobConfig,
  { file, onProgress }: ImportOptions,
): Promise<void> {
  const { verdict, findings, unchecked } = await verifyJournal(source, {
    job,
    onProgress: ({ entries }) => onProgress({ phase: 'verifying', entries }),
  });
  if (verdict === 'clean') return;
  const [first] = [...findings, ...unchecked];
  throw new TidemarkError(
    'REQUEST_REFUSED',
    `The journal in ${file} is ${verdict}: ${first?.code ?? ''} ${first?.message ?? ''}. See all of ` +
      `it with \`tidemark journal verify\` and --journal. ${NOTHING_WRITTEN}`,
    { fields: { path: file, verdict, finding: first?.code ?? null } },
  );
}

/**
 * Rejects with REQUEST_REFUSED if a coordinator reports beside the new journal that it lives. It is a hint:
 * what protects the journal is the owner's lock, or that nobody takes the stream for a journal before it is
 * one.
 */
async function refuseLiving(
  composition: Composition,
  config: JobConfig,
  { log }: ImportOptions,
): Promise<void> {
  const board = await composition.presence(config, log);
  try {
    for (const { bytes, ageMs } of await board.read(config.job)) {
      const record = ageMs <= PRESENCE_STALE_MS ? decodePresence(bytes) : null;
      if (record === null) continue;
      const { host, pid } = record;
      throw new TidemarkError(
        'REQUEST_REFUSED',
        `A coordinator of the job "${config.job}" lives: process ${pid} on ${host}, seen ` +
          `${Math.round(ageMs / 1_000)} s ago. Stop it first; after a crash wait ` +
          `${PRESENCE_STALE_MS / 1_000} s. ` +
          NOTHING_WRITTEN,
        { fields: { host, pid } },
      );
    }
  } catch (error) {
    if (error instanceof TidemarkError && error.code === 'REQUEST_REFUSED') throw error;
    log.warn({ err: error }, 'whether a coordinator of the job lives is not known');
  } finally {
    await board.close();
  }
}
