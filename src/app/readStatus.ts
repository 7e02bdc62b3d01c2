/** The status of a job, as of now or as of a moment. */
import type { JobStatus, StatusOptions } from './contract.ts';
import type { JobConfig } from '../config/jobConfig.ts';
import { systemPorts, type Composition } from './compose.ts';
import { readJobStatus, readJobStatusAt } from './status.ts';
import { markerFolderUri } from '../../actors/naming.ts';
import type { Journal } from '../../journal/port.ts';
import { noFailpoints } from '../system/failpoints.ts';
import type { Store } from '../stores/port.ts';

const CLOSE_MS = 2_000;

export async function readStatus(
  composition: Composition,
  config: JobConfig,
  { log, at }: StatusOptions,
): Promise<JobStatus> {
  const openJournal = (): Promise<Journal> => composition.journal(config, { access: 'read', log });
  if (at !== undefined) return readJobStatusAt({ config, kinds: composition.kinds, openJournal }, at);
  const presence = await composition.presence(config, log);
  const surveyor = await composition.surveyor(config, log);
  let store: Store | null = null;
  try {
    return await readJobStatus({
      ...{ config, kinds: composition.kinds, presence, surveyor, log },
      openJournal,
      probeDestination: async () => {
        store = await composition.store(config, noFailpoints, log);
        const { uri, entropy } = config.sink;
        await store.readMarker(markerFolderUri({ sinkUri: uri, entropy }), config.job);
      },
    });
  } finally {
    const closing = Promise.allSettled([
      surveyor.close(),
      presence.close(),
      (store as Store | null)?.close(),
    ]);
    // A read-only command does not wait for a close that hangs.
    await Promise.race([closing, systemPorts.clock.pause(CLOSE_MS)]);
  }
}
