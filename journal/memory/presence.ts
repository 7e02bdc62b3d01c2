/**
 * Presence in memory, for tests and the simulated world. Boards on the same backing are the same, as two
 * processes see it.
 */
import type { JobName } from '../ids.ts';
import type { PresenceBoard, PresenceKey, StoredPresence } from '../presence.ts';

export interface MemoryPresenceBacking {
  readonly records: Map<string, { readonly job: JobName; readonly bytes: Uint8Array; readonly atMs: number }>;
}

export function createPresenceBacking(): MemoryPresenceBacking {
  return { records: new Map() };
}

export interface MemoryPresenceOptions {
  readonly backing?: MemoryPresenceBacking;
  readonly nowMs: () => number;
  /** Larger records are refused, as by a server. */
  readonly bytesMax?: number;
  /** Called first in every operation; if it throws, the operation rejects with that error. */
  readonly onCall?: (call: 'keep' | 'remove' | 'read') => void;
}

export function createMemoryPresence(options: MemoryPresenceOptions): PresenceBoard {
  const {
    backing = createPresenceBacking(),
    nowMs,
    bytesMax = 1024 * 1024,
    onCall = () => undefined,
  } = options;
  const nameOf = ({ job, coordinatorId }: PresenceKey): string => `${job} ${coordinatorId}`;
  return {
    bytesMax: () => Promise.resolve(bytesMax),
    async keep(key, bytes) {
      onCall('keep');
      if (bytes.byteLength > bytesMax) throw new Error(`${bytes.byteLength} bytes are over ${bytesMax}`);
      backing.records.set(nameOf(key), { job: key.job, bytes: Uint8Array.from(bytes), atMs: nowMs() });
    },
    async remove(key) {
      onCall('remove');
      backing.records.delete(nameOf(key));
    },
    async read(job): Promise<readonly StoredPresence[]> {
      onCall('read');
      return [...backing.records.values()]
        .filter((record) => record.job === job)
        .map(({ bytes, atMs }) => ({ bytes: Uint8Array.from(bytes), ageMs: Math.max(0, nowMs() - atMs) }));
    },
    close: () => Promise.resolve(),
  };
}
