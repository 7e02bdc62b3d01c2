/** A job that several processes of this host run together (`run --processes`). */
import { randomBytes } from 'node:crypto';
import { TidemarkError } from '../../journal/errors.ts';
import { Secret } from '../../kernels/schema/secret.ts';
import type { JobConfig } from '../config/jobConfig.ts';
import { JOB_KINDS, kindOf } from './registeredKinds.ts';

/** Throws USAGE if several processes cannot run the job, or `--until-end` is given. */
export function checkProcesses(config: JobConfig, { untilEnd }: { readonly untilEnd: boolean }): void {
  const { journals, sources } = JOB_KINDS;
  const { journal, source } = config;
  if (untilEnd) {
    throw refused(
      '--processes is for a service, and --until-end is not: start the bounded run once, or several of ' +
        'them by yourself',
    );
  }
  if (!kindOf(journals, journal).isShared) {
    const shared = journals.filter(({ isShared }) => isShared).map(({ name }) => `journal.${name}`);
    throw refused(
      `--processes needs a journal that several coordinators can use at once, and journal.${journal.type} ` +
        `is for one: set ${shared.join(' or ')}`,
    );
  }
  if (!kindOf(sources, source).isShared) {
    const shared = sources.filter(({ isShared }) => isShared).map(({ name }) => `source.${name}`);
    throw refused(
      '--processes needs a source that divides its partitions between coordinators, and ' +
        `source.${source.type} does not: only ${shared.join(' or ')} does`,
    );
  }
}

export interface ProcessPlace {
  /** From 0 on. */
  readonly index: number;
  readonly processes: number;
  /** What its supervisor presents to its HTTP interface. */
  readonly token: string;
}

/** The job as one of the processes runs it. */
export function configOfProcess(config: JobConfig, { index, processes, token }: ProcessPlace): JobConfig {
  const { source, http } = config;
  return {
    ...{ ...config, processes },
    source: kindOf(JOB_KINDS.sources, source).ofProcess?.(source, index) ?? source,
    http: http === null ? null : { host: '127.0.0.1', port: 0, token: new Secret(token), isPrivate: true },
  };
}

/** A token for the processes of one supervisor. */
export function newProcessToken(): string {
  return randomBytes(32).toString('hex');
}

function refused(message: string): TidemarkError {
  return new TidemarkError('USAGE', `${message}.`);
}
