/** The two contestants. Each run reads the whole topic into files, in its own process, and exits. */
import path from 'node:path';
import { flinkArguments, outputOf, type FlinkDestination } from '../flink/flinkJob.ts';
import { deleteStream, writeJobFile, type TidemarkJob } from '../tidemark/tidemarkJob.ts';
import { RECORD_BYTES, withAdmin } from '../topic/benchTopic.ts';
import { inRunFolder, type BenchContext } from './context.ts';
import { FolderEmptier } from './folderEmptier.ts';
import { digestFolder, type FolderDigest, type FolderSize } from './lineDigest.ts';
import { measureProcess, type ProcessCost } from './measuredProcess.ts';
import type { Contestant, Run } from './rounds.ts';

/** A record and its line feed. */
export const LINE_BYTES = RECORD_BYTES + 1;

/** `records` is null where only bytes were counted. */
type Written = FolderSize & { readonly digest: string | null; readonly records: number | null };

/** A format of files other than lines of text. */
export interface BenchFormat {
  /** For the Java of the other contestant. */
  readonly flag: string;
  /** The job file's keys beside those of every job. */
  readonly keys: Readonly<Record<string, unknown>>;
  /** Of what either has written. */
  readonly digestOf: (folder: string) => Promise<FolderDigest>;
}

export interface Workload {
  readonly topic: string;
  readonly records: number;
  readonly checkpointMs: number;
  /** Check of Tidemark's output. `content`: hash every line. `size`: count bytes, delete files early. */
  readonly check: 'content' | 'size';
  /** Absent: lines of text. */
  readonly format?: BenchFormat;
}

export interface FlinkOptions {
  readonly bucketPattern?: string;
  readonly destination?: FlinkDestinations;
}

/** A destination other than local files. */
export interface FlinkDestinations {
  /** For the run with that name. */
  readonly of: (name: string) => FlinkDestination;
  readonly digestOf: Destination['digestOf'];
}

export function flink(
  context: BenchContext,
  classPath: string,
  workload: Workload,
  { bucketPattern, destination }: FlinkOptions = {},
): Contestant {
  const { brokers, isQuick, signal } = context;
  return {
    name: 'Flink',
    run: () =>
      inRunFolder(context, 'flink', async ({ name, folder }) => {
        const { topic, checkpointMs, format } = workload;
        const job = {
          ...{ brokers, topic, group: name, folder, checkpointMs, isQuick },
          ...(bucketPattern === undefined ? {} : { bucketPattern }),
          ...(format === undefined ? {} : { format: format.flag }),
          ...(destination === undefined ? {} : { destination: destination.of(name) }),
        };
        const cost = await measureProcess('java', flinkArguments(classPath, job), { what: 'Flink', signal });
        await forgetGroup(context, name);
        const written = await (destination?.digestOf(name, folder) ?? digestOf(outputOf(job), workload));
        return checked(cost, written, workload);
      }),
  };
}

/** A destination other than local files. */
export interface Destination {
  /** The job file's `sink` for the run with that name. */
  readonly sinkOf: (name: string) => Readonly<Record<string, unknown>>;
  readonly digestOf: (name: string, runFolder: string) => Promise<FolderDigest>;
}

export interface TidemarkOptions {
  /** Distinguishes the sides if both are Tidemark. */
  readonly label?: string;
  /** The command's file, if it is not from this checkout. */
  readonly bin?: string;
  readonly bucketPattern?: string;
  readonly destination?: Destination;
}

export function tidemark(
  context: BenchContext,
  workload: Workload,
  { label = 'Tidemark', bin, bucketPattern, destination }: TidemarkOptions = {},
): Contestant {
  const { brokers, natsUrl, tidemarkBin, signal } = context;
  return {
    name: label,
    run: () =>
      inRunFolder(context, 'tidemark', async ({ name, folder }) => {
        const job: TidemarkJob = {
          ...{ brokers, natsUrl, topic: workload.topic, name, folder, checkpointMs: workload.checkpointMs },
          ...(bucketPattern === undefined ? {} : { bucketPattern }),
          ...(destination === undefined ? {} : { sink: destination.sinkOf(name) }),
          ...(workload.format === undefined ? {} : { keys: workload.format.keys }),
        };
        const args = [bin ?? tidemarkBin, 'run', writeJobFile(job), '--until-end'];
        const out = path.join(folder, 'out');
        const emptier = workload.check === 'size' ? new FolderEmptier(out) : null;
        try {
          const cost = await measureProcess(process.execPath, args, { what: 'tidemark run', signal });
          await forgetGroup(context, name);
          const written: Written =
            emptier === null
              ? await (destination?.digestOf(name, folder) ?? digestOf(out, workload))
              : { ...emptier.stop(), digest: null, records: null };
          return checked(cost, written, workload);
        } finally {
          emptier?.stop();
          await deleteStream(natsUrl, name);
        }
      }),
  };
}

function digestOf(folder: string, { format }: Workload): Promise<FolderDigest> {
  return format === undefined ? Promise.resolve(digestFolder(folder)) : format.digestOf(folder);
}

/** Throws if the output does not hold as many records as the topic. */
function checked(cost: ProcessCost, written: Written, { records, format }: Workload): Run {
  const { digest, bytes, files } = written;
  const isAll = written.records === null || written.records === records;
  // In other formats a record has no length of its own.
  if (isAll && (format !== undefined || bytes === records * LINE_BYTES))
    return { ...cost, records, bytes, files, digest };
  throw new Error(
    `${String(written.records)} records of ${bytes} bytes were written, not ${records} of ` +
      `${LINE_BYTES} bytes with their line feed`,
  );
}

/** Groups of finished runs would only accumulate in Kafka. */
async function forgetGroup({ brokers }: BenchContext, group: string): Promise<void> {
  await withAdmin(brokers, async (admin) => {
    const { groups } = await admin.listGroups();
    if (groups.some(({ groupId }) => groupId === group)) await admin.deleteGroups([group]);
  });
}
