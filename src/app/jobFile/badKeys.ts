/** The keys below `bad`. */
import { z } from 'zod';
import { eitherOf, map } from '../../../kernels/schema/parts.ts';
import { count, expecting } from '../../../kernels/schema/values.ts';
import { BAD_TO } from '../../config/jobConfig.ts';

export function badSchema() {
  return map({
    to: z
      .enum(BAD_TO, { error: expecting(eitherOf(BAD_TO)) })
      .default('stop')
      .meta({
        description:
          'What becomes of a record that cannot be written. stop: its partition stops; skip: it is ' +
          'counted; file: it is written, raw and with the reason, to a file below _bad.',
      }),
    stopAfter: count('a whole number of records')
      .default(1_000)
      .meta({ description: 'So many bad records in a row stop the partition, whatever `to` says.' }),
  }).meta({ description: 'Records that cannot be written in the format.' });
}
