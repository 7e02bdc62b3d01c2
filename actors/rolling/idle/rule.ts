import { duration } from '../../../kernels/schema/values.ts';
import type { TimeRule } from '../rule.ts';

/** Closes a file a given time after its last record. */
export const IDLE_RULE: TimeRule = {
  type: 'time',
  reason: 'idle',
  key: 'maxIdle',
  configKey: 'maxIdleMs',
  schema: () =>
    duration().prefault('1m').meta({ description: 'Close a part file this long after its last record.' }),
  describe: (limit, { milliseconds }) => `${milliseconds(limit)} without a record`,
  sinceMs: ({ lastWriteAtMs }) => lastWriteAtMs,
};
