/** The second half of what was chosen from the promise and the protocol alone. */
import { patch, type Mutation } from './mutation.ts';

const TAKE_OVER = 'src/partition/takeOver.ts';

export const MORE_PROTOCOL_MUTATIONS: readonly Mutation[] = [
  {
    name: 'a failed fsync is tried again, and believed',
    store: 'file',
    seed: 11,
    foundAt: 102,
    patches: [
      patch(
        'src/writing/fileCalls.ts',
        `'persist', this.#options.file.persist())`,
        `'persist', this.#options.file.persist().catch(() => this.#options.file.persist()))`,
      ),
      patch('sim/simStores/base.ts', `      this.#life = 'failed';\n`, ``),
    ],
  },
  {
    name: 'another cluster passes for the one that was read from',
    store: 'file',
    seed: 11,
    foundAt: 80,
    patches: [
      patch(
        'src/partition/partitionTask.ts',
        `if (journaled === null || journaled === found) return;`,
        `if (journaled === null || found !== null) return;`,
      ),
    ],
  },
  {
    name: 'a publication that fails for a moment is left to the next epoch',
    store: 'file',
    seed: 11,
    foundAt: 7,
    patches: [
      patch(
        'src/partition/publisher.ts',
        `    await this.#untilPublished(part, part.durable, closedHere);\n`,
        `    const { store } = context.ports;
    try {
      await (closedHere ? store.commit(part, part.durable) : store.commitAfterRecovery(part, part.durable));
    } catch (error) {
      if (error.retry === 'transient') return;
      throw error;
    }\n`,
      ),
    ],
  },
  {
    name: 'the source of a copy goes before a checkpoint names the copy',
    store: 'file',
    seed: 11,
    foundAt: 361,
    patches: [
      patch(
        TAKE_OVER,
        `const finished = await takeover.finish(targetOf(part), withoutRows(durable), { toUri, tail });`,
        `const finished = await takeover.finish(targetOf(part), withoutRows(durable), { toUri, tail });
  if (copies) await store.discard([part.temporaryUri], null);`,
      ),
    ],
  },
  {
    name: 'what could not be discarded is journaled as discarded',
    store: 'file',
    foundAt: 46,
    patches: [
      patch(
        TAKE_OVER,
        `    await context.ports.store.discard(names, part.startHandle);
`,
        `    await context.ports.store.discard(names, part.startHandle).catch(() => undefined);
`,
      ),
    ],
  },
  {
    name: 'epochs share a session of the store',
    store: 'oss-hdfs',
    seed: 11,
    foundAt: 1,
    patches: [
      patch(
        'src/partition/epoch.ts',
        `store: context.ports.store.session() }`,
        `store: context.ports.store }`,
      ),
    ],
  },
  {
    name: 'a journal that lost its end is tried for ever',
    store: 'file',
    seed: 11,
    foundAt: 13,
    patches: [
      patch(
        'journal/writer.ts',
        `if (nowMs - pending.odd.sinceMs < CONFLICT_STABLE_MS) return;`,
        `if (nowMs >= 0) return;`,
      ),
    ],
  },
  {
    name: 'replay does not compare hashes',
    store: 'file',
    seed: 11,
    foundAt: 1248,
    patches: [patch('journal/replay.ts', `entry.prevHash !== tail.hash`, `entry.prevHash === ''`)],
  },
  {
    name: 'a partition that is assigned again while it is let go is not started',
    store: 'file',
    seed: 11,
    foundAt: 1075,
    patches: [
      patch(
        'src/run/coordinator.ts',
        `    else if (this.#state.value === 'running' && wanted !== undefined) this.#startRunner(name, wanted);\n`,
        ``,
      ),
    ],
  },
  {
    name: 'a batch of which nothing is visible does not move the cursor',
    store: 'file',
    seed: 11,
    foundAt: 1,
    patches: [
      patch(
        'src/writing/recordRouter.ts',
        `if (end > this.#nextOffset) this.#nextOffset = end;`,
        `if (end > this.#nextOffset && this.#recordsRead > 0) this.#nextOffset = end;`,
      ),
    ],
  },
  {
    name: 'an accepted loss does not move what is next',
    store: 'file',
    seed: 11,
    foundAt: 17,
    patches: [
      patch(
        'actors/partition.ts',
        '...jumped(context, event.toOffset)',
        '...jumped(context, event.fromOffset)',
      ),
      patch(
        'src/partition/jump.ts',
        `if (below === null && parts.length === 0) return [];`,
        `if (parts.length === 0) return [];`,
      ),
    ],
  },
  {
    name: 'an epoch that ends does not let go of its files',
    store: 'file',
    seed: 11,
    foundAt: 6,
    patches: [
      patch(
        'src/writing/fileCalls.ts',
        `    await this.#options.file.abandon();
    this.#letGo();`,
        `    this.#letGo();`,
      ),
    ],
  },
];
