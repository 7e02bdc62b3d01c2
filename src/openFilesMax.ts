/** How many part files this process may hold open: what the system allows it, less what everything else needs. */
import { readFileSync } from 'node:fs';

/** Connections, the journal, modules, files that are being published. */
const OTHERS = 192;
/** Making a file durable opens its folder, and a checkpoint does so for all of them at once. */
const EACH = 2;
/** Where the system does not tell (it tells on Linux): what it allows at least, wherever Node runs. */
const UNTOLD = 1_024;
const LEAST = 16;

export function openFilesMax(limits = readLimits()): number {
  const found = /^Max open files\s+(\d+|unlimited)\s/m.exec(limits)?.[1];
  const allowed = found === undefined ? UNTOLD : Number(found === 'unlimited' ? 'Infinity' : found);
  return Math.max(LEAST, Math.floor((allowed - OTHERS) / EACH));
}

function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
