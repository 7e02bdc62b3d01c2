/** Other jobs that write to the same sink: every record that two jobs read stands there twice. That may be meant, so it is only told. */
import { markerFolderUri } from '../../actors/naming.ts';
import { jobName, type JobName } from '../../journal/ids.ts';
import { within } from '../system/bounded.ts';
import type { Clock } from '../system/clock.ts';
import type { Conditions } from '../telemetry/conditions.ts';
import type { JobConfig } from '../config/jobConfig.ts';
import type { Store } from '../stores/port.ts';
import type { Log } from '../telemetry/log.ts';

/** A destination that does not answer is waited for, and told, by those who need it. */
const LIMIT_MS = 5_000;
/** What else is kept there begins with `_`, or has a dot in its name. */
const JOB = /^[a-z0-9-]{1,63}$/;

export interface OtherJobsPorts {
  readonly store: Pick<Store, 'listWitnesses' | 'readMarker'>;
  readonly clock: Clock;
  readonly conditions: Conditions;
  readonly log: Log;
}

/** Tells of them by name, once, and keeps it in what `status` shows. Never rejects. */
export async function tellOfOtherJobs(
  { job, sink }: Pick<JobConfig, 'job' | 'sink'>,
  { store, clock, conditions, log }: OtherJobsPorts,
): Promise<void> {
  const looking = otherJobs(store, markerFolderUri({ sinkUri: sink.uri, entropy: sink.entropy }), job).then(
    (others) => {
      if (others.length === 0) return;
      const names = others.map((name) => `"${name}"`).join(', ');
      const message = `${sink.uri} also has files of ${others.length === 1 ? 'job' : 'the jobs'} ${names}. A record that both read is there twice.`;
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
