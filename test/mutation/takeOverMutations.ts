/** What is wrong about settling, publishing and the end of an epoch. */
import { patch, type Mutation } from './mutation.ts';

const COMMITTED = `await host.submit(() => [{ type: 'partCommitted', partId }]);`;

export const TAKE_OVER_MUTATIONS: readonly Mutation[] = [
  {
    name: 'an older pending file is forgotten',
    store: 'file',
    patches: [
      patch(
        'src/partition/takeOver.ts',
        `for (const part of inherited) if (part.status === 'pending') publisher`,
        `for (const part of inherited.filter(({ status }) => status === 'pending').slice(-1)) publisher`,
      ),
    ],
  },
  {
    name: 'a timer is lost on replay: files that go on roll by new records only',
    store: 'oss-hdfs',
    patches: [
      patch(
        'src/partition/epoch.ts',
        `    this.#every('requests', REQUEST_POLL_MS, () => this.#takeRequests(router, checkpoints));
    this.#timers.armRoll(router);`,
        `    this.#every('requests', REQUEST_POLL_MS, () => this.#takeRequests(router, checkpoints));`,
      ),
    ],
  },
  {
    name: 'recovery is not idempotent: what an interrupted one has moved is not looked for',
    store: 'oss-hdfs',
    patches: [
      patch('src/partition/takeOver.ts', `formerUris: part.staleUris.toReversed() };`, `formerUris: [] };`),
    ],
  },
  {
    name: 'the move of a file is journaled after the move',
    store: 'oss-hdfs',
    patches: [
      patch(
        'src/partition/takeOver.ts',
        `  await host.submit(() => [{ type: 'partMoved', partId: part.partId, fromUri: part.temporaryUri, toUri }]);
  return toUri;`,
        `  return toUri;`,
      ),
      patch(
        'src/partition/takeOver.ts',
        `const file = await patiently(takingOver, () => takeover.resume(from, withoutRows(durable), toUri));`,
        `const file = await patiently(takingOver, () => takeover.resume(from, withoutRows(durable), toUri));
    await takingOver.host.submit(() => [{ type: 'partMoved', partId: part.partId, fromUri: part.temporaryUri, toUri }]);`,
      ),
    ],
  },
  {
    name: 'the name of a copy is journaled after the copy',
    store: 'file',
    patches: [
      patch(
        'src/partition/takeOver.ts',
        `  await host.submit(() => [{ type: 'partMoved', partId: part.partId, fromUri: part.temporaryUri, toUri }]);
  return toUri;`,
        `  return toUri;`,
      ),
      patch(
        'src/partition/takeOver.ts',
        `const finished = await takeover.finish(targetOf(part), withoutRows(durable), { toUri, tail });`,
        `const finished = await takeover.finish(targetOf(part), withoutRows(durable), { toUri, tail });
  await takingOver.host.submit(() => [{ type: 'partMoved', partId: part.partId, fromUri: part.temporaryUri, toUri }]);`,
      ),
    ],
  },
  {
    name: 'the checksum of a file that goes on begins anew',
    store: 'oss-hdfs',
    patches: [patch('src/writing/fileCalls.ts', `: Crc64.from(durable.crc64)`, `: new Crc64()`)],
  },
  {
    name: 'partCommitted is journaled before the file is published',
    store: 'file',
    patches: [
      patch('src/partition/publisher.ts', `    ${COMMITTED}\n`, ``),
      patch(
        'src/partition/publisher.ts',
        `    await this.#untilPublished(part, part.durable, closedHere);`,
        `    ${COMMITTED}
    await this.#untilPublished(part, part.durable, closedHere);`,
      ),
    ],
  },
  {
    name: 'each try of a takeover that is refused is an epoch with a name of its own',
    store: 'oss-hdfs',
    foundAt: 431,
    patches: [
      patch(
        'src/partition/takeOver.ts',
        `      if (!isStoreAway(error)) throw error;
      await waitAfter(takingOver, error, failures);`,
        `      throw error;`,
      ),
    ],
  },
  {
    name: 'partDiscarded is journaled before the file is gone',
    store: 'oss',
    patches: [
      patch(
        'src/partition/takeOver.ts',
        `    await context.ports.store.discard(names, part.startHandle);
    await host.submit(() => [{ type: 'partDiscarded', partId: part.partId }]);`,
        `    await host.submit(() => [{ type: 'partDiscarded', partId: part.partId }]);
    await context.ports.store.discard(names, part.startHandle);`,
      ),
    ],
  },
  {
    name: 'the source of a copy is not removed',
    store: 'file',
    patches: [
      patch(
        'src/partition/publisher.ts',
        `withRowsFiles(format, [temporaryUri, ...staleUris])`,
        `withRowsFiles(format, [temporaryUri])`,
      ),
    ],
  },
  {
    name: 'a publication with unknown outcome counts as done',
    store: 'oss-hdfs',
    seed: 3,
    patches: [
      patch(
        'src/partition/publisher.ts',
        `        : store.commitAfterRecovery(target, durable);`,
        `        : attempt > 1
          ? Promise.resolve()
          : store.commitAfterRecovery(target, durable);`,
      ),
    ],
  },
  {
    name: 'an old owner discards what the next one goes on with',
    store: 'file',
    patches: [
      patch(
        'src/partition/partFiles.ts',
        `if (status === 'open') await store.discard`,
        `if (status !== 'pending') await store.discard`,
      ),
    ],
  },
  {
    name: 'an epoch that is over leaves behind what it has created',
    store: 'file',
    foundAt: 251,
    patches: [
      patch(
        'src/partition/partFiles.ts',
        `      await context.ports.store.discard(names, startHandle ?? null);\n`,
        ``,
      ),
      patch('src/partition/partFiles.ts', `if (status === 'open') await`, `if (status !== status) await`),
    ],
  },
  {
    name: 'an epoch that is over leaves its copy behind',
    store: 'file',
    patches: [
      patch('src/partition/takeOver.ts', `  if (copies) await store.discard([toUri], null);\n`, ``),
      patch(
        'src/partition/partFiles.ts',
        `if (copyUri !== null && store.takeover.type === 'finish') await store.discard([copyUri], null);\n`,
        `if (copyUri !== null && store.takeover.type === 'finish') return;\n`,
      ),
    ],
  },
  {
    name: 'the entropy of a final name is drawn anew at every publication',
    store: 'file',
    patches: [
      patch(
        'src/partition/publisher.ts',
        `      finalUri: part.finalUri,
      temporaryUri: part.temporaryUri,
    };`,
        `      finalUri: drawnAnew(part, this.#options),
      temporaryUri: part.temporaryUri,
    };`,
      ),
      patch(
        'src/partition/publisher.ts',
        `const PUBLISH_CONCURRENCY = 8;`,
        `import { finalUri, folderUri } from '../../actors/naming.ts';
import { drawEntropy } from '../writing/entropy.ts';
function drawnAnew({ bucket, firstOffset }, { context, partition }) {
  const { naming } = context.settings;
  const drawn = drawEntropy(context.ports.random, naming.entropy);
  return finalUri(naming, folderUri(naming, bucket, drawn), partition, firstOffset);
}
const PUBLISH_CONCURRENCY = 8;`,
      ),
    ],
  },
];
