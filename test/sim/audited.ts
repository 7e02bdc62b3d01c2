/** Audits what a run of the world has left. */
import { auditJob } from '../../src/audit/auditJob.ts';
import { bucketIn, contentIn } from '../../src/job/placing.ts';
import { systemClock } from '../../src/system/clock.ts';
import type { AuditReport } from '../../src/audit/auditReport.ts';
import type { RunTrace, Schedule } from '../../sim/schedule.ts';
import { lifeConfig, NO_CHANGE } from '../../sim/job/change.ts';
import { decompressAtOnce } from '../../sim/job/content.ts';
import { JOB, jobSettings } from '../../sim/job/settings.ts';
import type { Remains } from '../../sim/remains.ts';
import { runWorld } from '../../sim/world.ts';

export interface Audited {
  readonly trace: RunTrace;
  readonly report: AuditReport;
}

/** The sources that do it: those of a changed copy may be given. */
export interface Sources {
  readonly runWorld: typeof runWorld;
  readonly auditJob: typeof auditJob;
  readonly jobSettings: typeof jobSettings;
}

const OWN: Sources = { runWorld, auditJob, jobSettings };

/** Rejects as the audit does. */
export async function audited(schedule: Schedule, sources = OWN): Promise<Audited> {
  const ended = Promise.withResolvers<AuditReport>();
  const trace = await sources.runWorld(schedule, {
    examine: async (remains) => {
      ended.resolve(await auditOf(remains, schedule, sources));
    },
  });
  return { trace, report: await ended.promise };
}

function auditOf(remains: Remains, schedule: Schedule, sources: Sources) {
  const { journal, store, source, naming, committed, takenUris } = remains;
  const { assigner, format, bad, effectiveConfig } = sources.jobSettings(
    lifeConfig(schedule.config, NO_CHANGE),
  );
  const { topic, partitions } = schedule.workload;
  return sources.auditJob(
    {
      ...{ journal, store },
      survey: async () => [
        {
          topic,
          partitions: partitions.map((_, partition) => ({
            ...{ startOffset: 0n, endOffset: 0n, highWatermark: 0n, group: committed(partition) },
          })),
        },
      ],
    },
    {
      ...{ job: JOB, naming, signal: new AbortController().signal, onProgress: () => undefined },
      moved: ({ uri }) => takenUris.has(uri),
      deep: {
        decompress: decompressAtOnce,
        rest: async () => undefined,
        source,
        clock: systemClock,
        assigner,
        format,
        bad,
        bucket: bucketIn(effectiveConfig),
        content: contentIn(effectiveConfig),
      },
    },
  );
}
