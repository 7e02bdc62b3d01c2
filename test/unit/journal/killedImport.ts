/**
 * An import that kills its own process after some entries: `sqlite FILE PATH COUNT`, or
 * `nats FILE SERVER COUNT`.
 */
import { importJetstream } from '../../../journal/jetstream/import.ts';
import { importSqlite } from '../../../journal/sqlite/import.ts';
import { NOT_ABORTED, noProgress, withCopy } from './imported.ts';

const [kind, file = '', place = '', count = ''] = process.argv.slice(2);

await withCopy(file, (copy) => {
  const importing = {
    ...{ copy, signal: NOT_ABORTED, onWarning: noProgress },
    onProgress: ({ entries }: { readonly entries: number }) => {
      if (entries >= Number(count)) process.kill(process.pid, 'SIGKILL');
    },
  };
  return kind === 'sqlite'
    ? importSqlite({ ...importing, path: place })
    : importJetstream({ ...importing, servers: [place], stream: 'TIDEMARK', replicas: 1 });
});
