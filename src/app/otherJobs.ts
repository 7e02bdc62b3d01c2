/**
 * Other jobs that write to the same sink: a record that two jobs read is in it twice. That may be intended,
 * so it is only reported.
 */
import { markerFolderUri } from '../../actors/naming.ts';
import { jobName, type JobName } from '../../journal/ids.ts';
import { within } from '../system/bounded.ts';
import type { Clock } from '../system/clock.ts';
import type { Conditions } from '../telemetry/conditions.ts';
import type { JobConfig } from '../config/jobConfig.ts';
import type { Store } from '../stores/port.ts';
import type { Log } from '../telemetry/log.ts';

/** A destination that does not answer is waited for, and reported, by the parts that need it. */
const LIMIT_MS = 5_000;
/** Other names there start with `_` or contain a dot. */
const JOB = /^[a-z0-9-]{1,63}$/;

export interface OtherJobsPorts {
  readonly store: Pick<Store, 'listWitnesses' | 'readMarker'>;
  readonly clock: Clock;
  readonly conditions: Conditions;
  readonly log: Log;
}

/** Reports other jobs by name, once, and keeps that in what `status` shows. Never rejects. */
export async function tellOfOtherJobs(
  { job, sink }: Pick<JobConfig, 'job' | 'sink'>,
  { store, clock, conditions, log }: OtherJobsPorts,
): Promise<void> {
  const looking = otherJobs(store, markerFolderUri({ sinkUri: sink.uri, entropy: sink.entropy }), job).then(
    (others) => {
      if (others.length === 0) return;
      const names = others.map((name) => `"${name}"`).join(', ');
      const jobs = others.length === 1 ? `job ${names}` : `the jobs ${names}`;
      const message = `${sink.uri} also has files of ${jobs}. A record that both read is there twice.`;
      const help = 'If that is not meant, give each job a sink of its own.';
      conditions.raise('other jobs', {
        kind: 'noticed',
        about: 'the sink',
        code: 'SINK_SHARED',
        message,
        help,
      });
      log.warn({ jobs: others }, `${message} ${help}`);
    },
    (error: unknown) => {
      log.debug({ err: error }, 'whether other jobs write to the sink is not known');
    },
  );
  await within(clock, LIMIT_MS, looking);
}

async function otherJobs(
  store: OtherJobsPorts['store'],
  folder: string,
  own: JobName,
): Promise<readonly JobName[]> {
  const others: JobName[] = [];
  for (const name of await store.listWitnesses(`${folder}/.tidemark`)) {
    if (!JOB.test(name) || name === own) continue;
    const other = jobName(name);
    if ((await store.readMarker(folder, other)) !== null) others.push(other);
  }
  return others;
}
