/** `tidemark orphans`: finds what no entry of the journal needs at the destination, and removes it. */
import type { JobConfig } from '../config/jobConfig.ts';
import { findOrphans, type OrphansProgress } from '../orphans/findOrphans.ts';
import type { Orphan, OrphansReport } from '../orphans/orphansReport.ts';
import { removeOrphans, type Removal } from '../orphans/removeOrphans.ts';
import { noFailpoints } from '../system/failpoints.ts';
import type { Log } from '../telemetry/log.ts';
import { Clients } from './clients.ts';
import { namingOf, systemPorts, type Composition } from './compose.ts';

export interface OrphansCommandOptions {
  /** Removes orphans that are at least that old; null: none. */
  readonly deleteFromAgeMs: number | null;
  readonly log: Log;
  /** May be called at any rate; `removed` counts those that were looked at. */
  readonly onProgress: (progress: OrphansProgress & { readonly removed: number }) => void;
}

export interface FoundOrphan extends Orphan {
  /** Null if nothing was to be removed. */
  readonly removal: Removal | null;
}

export interface OrphansOutcome extends Omit<OrphansReport, 'orphans'> {
  readonly orphans: readonly FoundOrphan[];
}

/** Rejects if the journal cannot be read at all, or if the destination cannot be listed. */
export async function orphans(
  composition: Composition,
  config: JobConfig,
  { deleteFromAgeMs, log, onProgress }: OrphansCommandOptions,
): Promise<OrphansOutcome> {
  const clients = new Clients();
  try {
    const journal = clients.add(await composition.journal(config, { access: 'read', log }));
    const store = clients.add(await composition.store(config, noFailpoints, log));
    const { signal } = new AbortController();
    let progress: OrphansProgress = { listed: 0, entries: 0, partitions: 0, partitionsDone: 0 };
    const report = await findOrphans(
      { journal, store, clock: systemPorts.clock },
      {
        ...{ job: config.job, naming: namingOf(config), signal },
        onProgress: (now) => {
          progress = now;
          onProgress({ ...now, removed: 0 });
        },
      },
    );
    const removals =
      deleteFromAgeMs === null
        ? []
        : await removeOrphans(store, report.orphans, {
            ...{ minAgeMs: deleteFromAgeMs, signal },
            onProgress: (removed) => onProgress({ ...progress, removed }),
          });
    const found = report.orphans.map((orphan, index) => ({ ...orphan, removal: removals[index] ?? null }));
    return { ...report, orphans: found };
  } finally {
    await clients.close();
  }
}
