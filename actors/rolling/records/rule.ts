import { count } from '../../../kernels/schema/values.ts';
import type { RecordsRule } from '../rule.ts';

/** Closes a file that holds as many records as the limit; without a limit it closes none. */
export const RECORDS_RULE: RecordsRule = {
  type: 'records',
  reason: 'size',
  key: 'maxRecords',
  configKey: 'maxRecords',
  schema: () =>
    count('a whole number of records')
      .optional()
      .meta({ description: 'Close a part file with this many records. Without it: at any number.' }),
  describe: (limit, words) => `at ${words.count(limit, 'record')}`,
};
