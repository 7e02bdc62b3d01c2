/** How many files this process may hold open: the limit of the system, less what everything else needs. */
import { readFileSync } from 'node:fs';

/** Reserved for connections, the journal, modules, files that are being published. */
const OTHERS = 192;
/**
 * Descriptors per file. Making a file durable opens its folder, and a checkpoint does so for all of them at
 * once.
 */
const EACH = 2;
/** The same for a file with a rows file beside it: both are open. */
const EACH_WITH_ROWS = 4;
/** Limit if the system does not report one (Linux does): the least that it allows wherever Node runs. */
const UNTOLD = 1_024;
const LEAST = 16;
/** Share of the rest for source files, if the source reads files. */
const SOURCE_SHARE = 0.25;

export interface OpenFiles {
  /** Limit of part files. */
  readonly partsMax: number;
  /** Limit of files that are read. */
  readonly sourcesMax: number;
}

/**
 * @param readsFiles whether the job's source reads files.
 * @param holdsRows whether there are rows files beside part files.
 */
export function openFiles(readsFiles: boolean, holdsRows = false, limits = readLimits()): OpenFiles {
  const left = forFiles(limits);
  const sourceShare = readsFiles ? SOURCE_SHARE : 0;
  const most = (share: number): number => Math.max(LEAST, Math.floor(left * share));
  return {
    partsMax: most((1 - sourceShare) / (holdsRows ? EACH_WITH_ROWS : EACH)),
    sourcesMax: most(SOURCE_SHARE),
  };
}

function forFiles(limits: string): number {
  const found = /^Max open files\s+(\d+|unlimited)\s/m.exec(limits)?.[1];
  const allowed = found === undefined ? UNTOLD : Number(found === 'unlimited' ? 'Infinity' : found);
  return allowed - OTHERS;
}

function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
