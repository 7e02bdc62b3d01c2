/** Wrong changes to what is compared with a log that may have gone back. */
import { patch, type Mutation } from './mutation.ts';

export const LOG_MUTATIONS: readonly Mutation[] = [
  {
    name: 'what was read is not compared with the log when it is opened',
    store: 'file',
    seed: 11,
    foundAt: 59,
    patches: [
      patch(
        'src/coordinator/epoch.ts',
        'ports.source.open(partition, flow.nextOffset, topicId, flow.read)',
        'ports.source.open(partition, flow.nextOffset, topicId, null)',
      ),
    ],
  },
  {
    name: 'a new leader is not asked where the leader epoch ends that was read',
    store: 'file',
    seed: 11,
    foundAt: 59,
    patches: [
      patch(
        'src/kafka/logCheck.ts',
        '    const unproven = feeds.filter((feed) => !this.#isProven(feed, nodeId, connects));',
        '    const unproven = feeds.filter((feed) => feed.provenBy === null && !this.#isProven(feed, nodeId, connects));',
      ),
    ],
  },
  {
    name: 'an answer with an earlier leader epoch passes where its end is far enough',
    store: 'file',
    seed: 11,
    foundAt: 1975,
    patches: [
      patch(
        'src/kafka/logCheck.ts',
        'if (end.endOffset < offset || end.leaderEpoch < read.epoch)',
        'if (end.endOffset < offset)',
      ),
    ],
  },
  {
    name: 'nothing is compared with the log behind an accepted truncation',
    store: 'file',
    seed: 11,
    foundAt: 1498,
    patches: [
      patch(
        'actors/partition.ts',
        'return leaderEpoch === null ? UNKNOWN_EPOCH : { leaderEpoch, leaderEpochStart: divergedAt };',
        'return leaderEpoch === null || divergedAt >= 0n ? UNKNOWN_EPOCH : { leaderEpoch, leaderEpochStart: divergedAt };',
      ),
    ],
  },
  {
    name: 'names of the next generation are those of the first',
    store: 'file',
    seed: 11,
    foundAt: 85,
    patches: [
      patch('actors/naming.ts', 'const isFirst = generation === 1;', 'const isFirst = generation > 0;'),
    ],
  },
];
