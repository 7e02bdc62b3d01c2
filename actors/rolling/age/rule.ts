import { duration } from '../../../kernels/schema/values.ts';
import type { TimeRule } from '../rule.ts';

/** Closes a file a given time after it was opened. */
export const AGE_RULE: TimeRule = {
  type: 'time',
  reason: 'age',
  key: 'maxAge',
  configKey: 'maxAgeMs',
  schema: () =>
    duration().prefault('10m').meta({ description: 'Close a part file this long after it was opened.' }),
  describe: (limit, { milliseconds }) => `after ${milliseconds(limit)}`,
  sinceMs: ({ openedAtMs }) => openedAtMs,
};
