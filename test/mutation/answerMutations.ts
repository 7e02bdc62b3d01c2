/** What is wrong about the answers to a journal that went back. */
import { patch, type Mutation } from './mutation.ts';

const WENT_BACK = 'src/partition/rolledBackJournal.ts';

export const ANSWER_MUTATIONS: readonly Mutation[] = [
  {
    name: 'what went back is read again though its files still stand',
    store: 'file',
    seed: 11,
    patches: [
      patch(
        WENT_BACK,
        `    if (files.length > 0) return toBeMovedAway(files);`,
        `    if (files.length > 1e9) return toBeMovedAway(files);`,
      ),
    ],
  },
  {
    name: 'offsets are given up that no operator has given up',
    store: 'file',
    seed: 11,
    patches: [
      patch(WENT_BACK, `  if (acceptLoss || toOffset === fromOffset) return null;`, `  return null;`),
    ],
  },
  {
    name: 'a witness that was answered for is judged anew',
    store: 'file',
    seed: 11,
    patches: [patch(WENT_BACK, `  return [...before, ...now];`, `  return [...before];`)],
  },
];
