/** Wrong changes to what becomes of a job whose job file is edited between two lives of its processes. */
import { patch, type Mutation } from './mutation.ts';

const PART_FILES = 'src/partition/partFiles.ts';
const JOB_LIFE = 'src/job/jobLife.ts';

export const CONFIG_MUTATIONS: readonly Mutation[] = [
  {
    name: 'a file takes more records though files are named otherwise now',
    store: 'oss-hdfs',
    seed: 7,
    foundAt: 36,
    patches: [
      patch(
        PART_FILES,
        'journaled === finalUri(naming, folder, partition, firstOffset, generation, repairOf(facts))',
        'journaled.endsWith(finalUri(naming, folder, partition, firstOffset, generation).slice(-1))',
      ),
    ],
  },
  {
    name: 'a job goes on in another sink than the journaled one',
    store: 'file',
    foundAt: 24,
    patches: [
      patch(
        JOB_LIFE,
        'facts.sinkUri !== null && facts.sinkUri !== naming.sinkUri',
        "facts.sinkUri === '' && facts.sinkUri !== naming.sinkUri",
      ),
    ],
  },
  {
    name: 'a file is published under the name that it would be given now',
    store: 'file',
    foundAt: 140,
    patches: [
      patch(
        'src/partition/publisher.ts',
        '      finalUri: part.finalUri,\n',
        '      finalUri: part.finalUri.replace(/\\/[a-z0-9-]+?-(numbers|letters)-/, `/${context.settings.naming.prefix}-$1-`),\n',
      ),
    ],
  },
  {
    name: 'files that were named otherwise are not looked for in a journal that went back',
    store: 'file',
    seed: 5,
    foundAt: 195,
    patches: [
      patch(
        'src/partition/rolledBackJournal.ts',
        'new OwnNames([naming.prefix, ...facts.prefixes]',
        'new OwnNames([naming.prefix]',
      ),
      patch(
        'actors/ownNames.ts',
        'return segmentsOf(topic).some((segment) => head.endsWith(`-${segment}`));',
        'return false;',
      ),
    ],
  },
  {
    name: 'a prefix that the journal has lost is not looked for',
    store: 'file',
    schedule: 'a-prefix-that-went-with-the-journal',
    patches: [
      patch(
        'actors/ownNames.ts',
        'return segmentsOf(topic).some((segment) => head.endsWith(`-${segment}`));',
        'return false;',
      ),
    ],
  },
];
