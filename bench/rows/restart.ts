/** How long a killed process stays away: Tidemark with a long journal, against Flink with its last checkpoint. */
import type { Row } from './row.ts';

export const restart: Row = {
  name: 'restart',
  ratio: "seconds from the start after SIGKILL to the first new record, Tidemark's over Flink's",
  goal: { atMost: 1 / 3 },
  run: async () => {
    throw new Error('it needs the run with a journal of 100,000 entries, which this version does not have');
  },
};
