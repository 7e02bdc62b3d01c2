/** Wrong changes to what is compared with a log that may have gone back. */
import { patch, type Mutation } from './mutation.ts';

export const LOG_MUTATIONS: readonly Mutation[] = [
  {
    name: 'what was read is not compared with the log when it is opened',
    store: 'file',
    seed: 11,
    foundAt: 71,
    patches: [
      patch(
        'src/partition/epoch.ts',
        'ports.source.open(partition, router.nextOffset, topicId, router.read)',
        'ports.source.open(partition, router.nextOffset, topicId, null)',
      ),
    ],
  },
  {
    name: 'a new leader is not asked where the leader epoch ends that was read',
    store: 'file',
    seed: 11,
    foundAt: 105,
    patches: [
      patch(
        'src/sources/kafka/log/check.ts',
        '    const unproven = feeds.filter((feed) => !this.#isProven(feed, nodeId, connects));',
        '    const unproven = feeds.filter((feed) => feed.provenBy === null && !this.#isProven(feed, nodeId, connects));',
      ),
    ],
  },
  {
    name: 'an answer with an earlier leader epoch passes where its end is far enough',
    store: 'file',
    seed: 11,
    foundAt: 1271,
    patches: [
      patch(
        'src/sources/kafka/log/check.ts',
        'if (end.endOffset >= offset && end.leaderEpoch >= read.epoch) return;',
        'if (end.endOffset >= offset) return;',
      ),
    ],
  },
  {
    name: 'leader epochs before the last one that was read are forgotten',
    store: 'file',
    schedule: 'leader-epochs-before-the-last-one',
    patches: [
      patch(
        'src/sources/readEpoch.ts',
        'earlier: earlierThan(leaderEpoch, before) };',
        'earlier: earlierThan(leaderEpoch, null) };',
      ),
    ],
  },
  {
    name: 'leader epochs before the last one that was read are not journaled',
    store: 'file',
    schedule: 'leader-epochs-that-no-checkpoint-lists',
    patches: [
      patch(
        'src/partition/checkpoint.ts',
        'if (isKnown || earlier.length === 0) return',
        'if (isKnown || earlier.length >= 0) return',
      ),
    ],
  },
  {
    name: 'nothing is compared with the log behind an accepted truncation',
    store: 'file',
    schedule: 'a-log-that-is-cut-again-behind-an-answer',
    patches: [
      patch(
        'actors/readEpochs.ts',
        'if (leaderEpoch === null) return UNKNOWN_EPOCHS;',
        'if (leaderEpoch === null || divergedAt >= 0n) return UNKNOWN_EPOCHS;',
      ),
    ],
  },
  {
    name: 'names of the next generation are those of the first',
    store: 'file',
    seed: 11,
    foundAt: 85,
    patches: [patch('actors/naming.ts', "generation === 1 ? '' : `.g", "generation > 0 ? '' : `.g")],
  },
  {
    name: 'an answer that jumps does not journal the leader epoch below it',
    store: 'file',
    schedule: 'an-answer-without-its-leader-epoch',
    patches: [
      patch(
        'src/partition/jump.ts',
        '{ nextOffset, below: (await source.epochBelow?.(partition, nextOffset)) ?? null }',
        '{ nextOffset, below: null }',
      ),
    ],
  },
];
