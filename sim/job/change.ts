/**
 * The job file of a place is edited between two lives of its process: what may change then, and how the
 * process responds. All places begin with the schedule's configuration. A change says what differs from that,
 * never from another change.
 */
import type { WorldConfig } from '../schedule.ts';

export interface JobChange {
  readonly checkpointIntervalMs?: number | undefined;
  readonly roll?: WorldConfig['roll'] | undefined;
  readonly buckets?: WorldConfig['buckets'] | undefined;
  readonly content?: WorldConfig['content'];
  readonly openFilesMax?: number | null | undefined;
  readonly memoryBytes?: number | null | undefined;
  /** Of the names of part files. */
  readonly prefix?: string | undefined;
  readonly suffix?: string | undefined;
  /** Letters and digits that are drawn for a file's folder; absent if folders are not drawn. */
  readonly entropyLength?: number | undefined;
  /** Refused, since it contradicts the journal: another folder, or a switch between drawn and fixed ones. */
  readonly sink?: 'another' | 'entropy' | undefined;
}

/** The configuration of one life of a process. */
export interface LifeConfig extends WorldConfig {
  readonly prefix: string;
  readonly suffix: string;
  readonly entropyLength: number;
  readonly folder: string;
}

/** A process and the change that it was started with. */
export interface Life {
  /** `p<place>.<life>`. */
  readonly process: string;
  readonly change: JobChange;
}

export const NO_CHANGE: JobChange = {};

export const CHANGED_KEYS = [
  'checkpointIntervalMs',
  'roll',
  'buckets',
  'content',
  'openFilesMax',
  'memoryBytes',
  'prefix',
  'suffix',
  'entropyLength',
  'sink',
] as const satisfies readonly (keyof JobChange)[];

const FOLDER = 'lake';
const ANOTHER_FOLDER = 'pond';
const AFFIXES = { prefix: 'part', suffix: '' };
const ENTROPY_LENGTH = 4;

export function lifeConfig(config: WorldConfig, { sink, ...change }: JobChange): LifeConfig {
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  return {
    ...{ ...config, ...AFFIXES, entropyLength: ENTROPY_LENGTH, ...given },
    folder: sink === 'another' ? ANOTHER_FOLDER : FOLDER,
    entropy: sink === 'entropy' ? !config.entropy : config.entropy,
  };
}

/** Whether a process with this job file must end with SINK_CHANGED. */
export function isRefused({ sink }: JobChange): boolean {
  return sink !== undefined;
}
