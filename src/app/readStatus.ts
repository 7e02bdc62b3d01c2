/** The status of a job, as of now or as of a moment. */
import type { JobStatus, StatusOptions } from './contract.ts';
import type { JobConfig } from '../config/jobConfig.ts';
import { Clients } from './clients.ts';
import type { Composition } from './compose.ts';
import { readJobStatus, readJobStatusAt } from './status.ts';
import { markerFolderUri } from '../../actors/naming.ts';
import type { Journal } from '../../journal/port.ts';
import { noFailpoints } from '../system/failpoints.ts';

export async function readStatus(
  composition: Composition,
  config: JobConfig,
  { log, at }: StatusOptions,
): Promise<JobStatus> {
  const openJournal = (): Promise<Journal> => composition.journal(config, { access: 'read', log });
  if (at !== undefined) return readJobStatusAt({ config, kinds: composition.kinds, openJournal }, at);
  const clients = new Clients();
  try {
    const presence = clients.add(await composition.presence(config, log));
    const surveyor = clients.add(await composition.surveyor(config, log));
    return await readJobStatus({
      ...{ config, kinds: composition.kinds, presence, surveyor, log },
      openJournal,
      probeDestination: async () => {
        const store = clients.add(await composition.store(config, noFailpoints, log));
        const { uri, entropy } = config.sink;
        await store.readMarker(markerFolderUri({ sinkUri: uri, entropy }), config.job);
      },
    });
  } finally {
    await clients.close();
  }
}
