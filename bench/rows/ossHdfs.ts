/** OSS-HDFS against our own file store. */
import type { Row } from './row.ts';

export const ossHdfs: Row = {
  name: 'oss-hdfs',
  ratio: 'records/s into OSS-HDFS on the test server over records/s into local files',
  goal: { atLeast: 0.5 },
  run: async () => {
    throw new Error('it needs the OSS-HDFS store and its test server, which this version does not have');
  },
};
