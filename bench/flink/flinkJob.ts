/** Flink as a contestant: its FileSink in its own process, as a user would run it on one machine. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import {
  ensureFlinkFormatJars,
  ensureFlinkJars,
  ensureFlinkOssJars,
} from '../../scripts/services/download.ts';
import { shortLivedJava } from '../../scripts/services/kafka.ts';
import { compiled } from '../harness/java.ts';

export interface FlinkJob {
  readonly brokers: readonly string[];
  readonly topic: string;
  /** Kafka's consumer group; a new one for each run. */
  readonly group: string;
  /** Receives `out` and `checkpoints`. */
  readonly folder: string;
  /** Absent: local files, in `out`. */
  readonly destination?: FlinkDestination;
  readonly checkpointMs: number;
  /** Pattern of the record's time; without one there are no buckets. */
  readonly bucketPattern?: string;
  /** Of the files, for FormatSinkJob; absent: lines of text. */
  readonly format?: string;
  /** Age of a part file after which it is closed, also if it gets no records; absent: Flink's 60. */
  readonly rollSeconds?: number;
  /** A checkpoint to resume from. */
  readonly restore?: string;
  /** For a smoke run: Java compiles less, so it starts sooner. */
  readonly isQuick: boolean;
  /** Continues at the end of the topic until it is killed. */
  readonly isUnbounded?: boolean;
}

/** A file system other than the local one. */
export interface FlinkDestination {
  /** Of the folder that the files go to. */
  readonly uri: string;
  /** The file system's keys in Flink's configuration. */
  readonly config: Readonly<Record<string, string>>;
}

export const FLINK_PARALLELISM = 2;

/** Resolves with the class path that runs the job in Java. Fetches and compiles it first if it is missing. */
export async function flinkClassPath(log: (line: string) => void, signal?: AbortSignal): Promise<string> {
  const jars = await ensureFlinkJars(log, signal);
  return compiled(path.join(import.meta.dirname, 'FileSinkJob.java'), jars, signal);
}

/** The same with the last Flink that has a file system for OSS. */
export async function flinkOssClassPath(log: (line: string) => void, signal?: AbortSignal): Promise<string> {
  const jars = await ensureFlinkOssJars(log, signal);
  return compiled(path.join(import.meta.dirname, 'FileSinkJob.java'), jars, signal);
}

/** The same for other formats, with what Flink's documentation adds for them. */
export async function flinkFormatsClassPath(
  log: (line: string) => void,
  signal?: AbortSignal,
): Promise<string> {
  const base = await flinkClassPath(log, signal);
  const jars = `${base}${path.delimiter}${await ensureFlinkFormatJars(log, signal)}`;
  return compiled(path.join(import.meta.dirname, 'FormatSinkJob.java'), jars, signal);
}

export function flinkArguments(classPath: string, job: FlinkJob): string[] {
  const flags: Record<string, string | number> = {
    ...{ brokers: job.brokers.join(','), topic: job.topic, group: job.group },
    ...{ out: job.destination?.uri ?? outputOf(job), checkpoints: checkpointsOf(job) },
    ...{ 'checkpoint-ms': job.checkpointMs, parallelism: FLINK_PARALLELISM },
  };
  if (job.format !== undefined) flags['format'] = job.format;
  if (job.rollSeconds !== undefined) flags['roll-seconds'] = job.rollSeconds;
  if (job.restore !== undefined) flags['restore'] = job.restore;
  if (job.bucketPattern !== undefined) flags['bucket-pattern'] = job.bucketPattern;
  if (job.destination !== undefined) flags['conf'] = writeConfig(job.folder, job.destination);
  mkdirSync(outputOf(job), { recursive: true });
  mkdirSync(checkpointsOf(job), { recursive: true });
  return [
    ...(job.isQuick ? shortLivedJava : []),
    // The packages that Flink's start scripts open for Java 17.
    ...['java.base/java.lang', 'java.base/java.util'].flatMap((name) => [
      '--add-opens',
      `${name}=ALL-UNNAMED`,
    ]),
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    ...['-cp', classPath, job.format === undefined ? 'FileSinkJob' : 'FormatSinkJob'],
    ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ...(job.isUnbounded === true ? ['--unbounded'] : []),
  ];
}

/** Returns the folder of config.yaml, Flink's configuration. It puts temporary files beside that. */
function writeConfig(folder: string, { config }: FlinkDestination): string {
  const conf = path.join(folder, 'conf');
  const temporary = path.join(folder, 'tmp');
  for (const one of [conf, temporary]) mkdirSync(one, { recursive: true });
  writeFileSync(path.join(conf, 'config.yaml'), stringify({ 'io.tmp.dirs': temporary, ...config }));
  return conf;
}

export const outputOf = ({ folder }: Pick<FlinkJob, 'folder'>): string => path.join(folder, 'out');
export const checkpointsOf = ({ folder }: Pick<FlinkJob, 'folder'>): string =>
  path.join(folder, 'checkpoints');
