/**
 * Looks at source files outside of a feed: opens one, uses it, closes it. One that cannot be read is tried
 * again.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { TidemarkError } from '../../../journal/errors.ts';
import { partitionName } from '../../../journal/ids.ts';
import type { Clock } from '../../system/clock.ts';
import { pauseUnless } from '../../system/pacing.ts';
import type { Conditions } from '../../telemetry/conditions.ts';
import type { Log } from '../../telemetry/log.ts';
import * as errors from './errors.ts';
import type { SourceHandles } from './handles.ts';
import { fileOf } from './matching.ts';
import { FileWait } from './wait.ts';

/**
 * What is waited for: `none` nothing; `forPassing`, for up to `stableMs`, an error that may pass; `all`, as
 * long, any error but a missing file. A lack of resources of the process is waited for without limit.
 */
export type Patience = 'none' | 'forPassing' | 'all';

export interface LooksOptions {
  readonly baseDir: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly pollMs: number;
  readonly stableMs: number;
  readonly handles: SourceHandles;
  readonly conditions: Conditions | null;
  /** Ends every wait. */
  readonly signal: AbortSignal;
}

type Use<T> = (handle: FileHandle) => Promise<T>;

export class FileLooks {
  readonly #options: LooksOptions;

  constructor(options: LooksOptions) {
    this.#options = options;
  }

  /** Rejects with SOURCE_UNREADABLE if the topic's file is missing or cannot be read. */
  async at<T>(topic: string, use: Use<T>, patience: Patience): Promise<T> {
    const wait = new FileWait(this.#options.conditions, `looking at ${topic}`);
    try {
      return await this.#try(topic, use, patience, wait);
    } finally {
      wait.over();
    }
  }

  async #try<T>(topic: string, use: Use<T>, patience: Patience, wait: FileWait): Promise<T> {
    const { baseDir, clock, handles, log, pollMs, signal, stableMs } = this.#options;
    const file = fileOf(baseDir, topic);
    const startedMs = clock.nowMs();
    for (let told = ''; ;) {
      try {
        return await handles.during(() => withHandle(file.path, use));
      } catch (error) {
        const code = errors.systemCodeOf(error);
        if (error instanceof TidemarkError || code === null) throw error;
        const isBorne = patience === 'all' ? !errors.isAbsent(error) : errors.mayPass(code);
        const isOver = patience === 'none' || !isBorne || clock.nowMs() - startedMs >= stableMs;
        if (signal.aborted || (isOver && !errors.isScarce(code))) throw errors.unreadable(file, error);
        wait.failed(partitionName({ topic, partition: 0 }), errors.unreadable(file, error));
        if (told !== code)
          log.warn({ topic, systemCode: code }, `${file.path} cannot be read: ${code}; trying again.`);
        told = code;
        await pauseUnless(signal, clock, pollMs);
      }
    }
  }
}

async function withHandle<T>(path: string, use: Use<T>): Promise<T> {
  const handle = await open(path, 'r');
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}
