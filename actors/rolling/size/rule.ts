import { size } from '../../../kernels/schema/values.ts';
import type { SizeRule } from '../rule.ts';

/** Closes a file that has reached a size. */
export const SIZE_RULE: SizeRule = {
  type: 'size',
  reason: 'size',
  key: 'maxBytes',
  configKey: 'maxBytes',
  schema: () =>
    size()
      .prefault('128MiB')
      .meta({ description: 'Close a part file at this size; checked after every record.' }),
  describe: (limit, { bytes }) => `at ${bytes(limit)}`,
};
