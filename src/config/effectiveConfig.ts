import type { JsonValue } from '../../journal/events.ts';
import type { JobConfig } from './jobConfig.ts';
import { Secret } from '../../kernels/schema/secret.ts';

/** Keys that do not affect which records go where, and that differ from machine to machine. */
const OF_THE_MACHINE: readonly string[] = ['file', 'baseDir', 'http'];

/**
 * The effective configuration, defaults included, for later readers of the journal: rules change, and a file
 * is explained by the rules of its time. Omits secrets, and the paths of the job file on this machine.
 */
export function effectiveConfig(config: JobConfig): JsonValue {
  return plainOf(Object.fromEntries(Object.entries(config).filter(([key]) => !OF_THE_MACHINE.includes(key))));
}

function plainOf(value: unknown): JsonValue {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return value.map(plainOf);
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, inner]) => isKept(inner));
    return Object.fromEntries(entries.map(([key, inner]) => [key, plainOf(inner)]));
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

function isKept(value: unknown): boolean {
  return !(value instanceof Secret) && typeof value !== 'function' && value !== undefined;
}
