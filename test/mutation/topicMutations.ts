/** Wrong changes to what becomes of a topic that some coordinators name, or none. */
import { patch, type Mutation } from './mutation.ts';

export const TOPIC_MUTATIONS: readonly Mutation[] = [
  {
    name: 'a partition is given to a member that does not subscribe to its topic',
    store: 'file',
    foundAt: 6,
    patches: [
      patch(
        'src/sources/kafka/group/assignment.ts',
        'members.filter(({ topics }) => topics.includes(topic))',
        'members.filter(({ topics }) => topics.length > 0)',
      ),
    ],
  },
  {
    name: 'a partition that nobody names any more is retired with its files as they are',
    store: 'file',
    foundAt: 152,
    patches: [patch('src/partition/retire.ts', '  await takeOver({ ...takingOver, adopt: null });\n', '')],
  },
];
