/** What is wrong about the router of records, cuts and checkpoints. */
import { patch, type Mutation } from './mutation.ts';

export const ROUTER_MUTATIONS: readonly Mutation[] = [
  {
    name: 'the seek is off by one: behind nextOffset',
    store: 'file',
    patches: [
      patch(
        'src/partition/epoch.ts',
        `ports.source.open(partition, router.nextOffset, topicId, router.read)`,
        `ports.source.open(partition, router.nextOffset + 1n, topicId, router.read)`,
      ),
    ],
  },
  {
    name: 'the cursor is off by one: the record that it stands on is left out',
    store: 'oss',
    patches: [
      patch(
        'src/writing/recordRouter.ts',
        `if (delta < startDelta) continue;`,
        `if (delta <= startDelta && startDelta > 0) continue;`,
      ),
    ],
  },
  {
    name: 'a checkpoint says one offset too few',
    store: 'oss-hdfs',
    patches: [
      patch(
        'src/writing/recordRouter.ts',
        `    return {
      nextOffset: this.#nextOffset,`,
        `    return {
      nextOffset: this.#nextOffset > 0n ? this.#nextOffset - 1n : 0n,`,
      ),
    ],
  },
  {
    name: 'a rejoin in the same epoch seeks to nextOffset, not to the cursor',
    store: 'file',
    patches: [
      patch(
        'src/run/coordinator.ts',
        `if (wanted.get(name)?.purpose !== runner.task.purpose) runner.release();`,
        `wanted.get(name)?.purpose === runner.task.purpose ? runner.rejoined() : runner.release();`,
      ),
      patch(
        'src/partition/partitionRunner.ts',
        `  get #name(): string {`,
        `  rejoined() {
    this.#epoch?.rejoined();
  }

  get #name(): string {`,
      ),
      patch(
        'src/partition/epoch.ts',
        `  async #pump(router: RecordRouter)`,
        `  rejoined() {
    const { partition, topicId } = this.#task;
    if (this.#feed === null || this.#isOver || this.#drain.isOpen) return;
    const before = this.#feed;
    this.#router.seek(this.#claim.host.ledger.facts.nextOffset);
    this.#feed = this.#context.ports.source.open(partition, this.#router.nextOffset, topicId, this.#router.read);
    before.close();
  }

  async #nextOf(partition) {
    const feed = this.#feed;
    try {
      return await nextBatch(this.#context, partition, feed, this.#drain);
    } catch (error) {
      if (feed !== this.#feed) return this.#nextOf(partition);
      throw error;
    }
  }

  async #pump(router: RecordRouter)`,
      ),
      patch(
        'src/partition/epoch.ts',
        `const batch = await nextBatch(this.#context, partition, feed, this.#drain);`,
        `const batch = await this.#nextOf(partition);`,
      ),
      patch(
        'src/partition/epoch.ts',
        `      feed.close().catch((error: unknown) => {`,
        `      this.#feed.close().catch((error: unknown) => {`,
      ),
      patch(
        'src/writing/recordRouter.ts',
        `  async #open(bucket: string, { slot, firstOffset }: Wanted): Promise<void> {`,
        `  seek(offset) {
    this.#nextOffset = offset;
  }

  async #open(bucket: string, { slot, firstOffset }: Wanted): Promise<void> {`,
      ),
    ],
  },
  {
    name: 'a cut goes past a record that waits for its file',
    store: 'file',
    patches: [
      patch(
        'src/writing/recordRouter.ts',
        `    const wanted = new Map([[assigner.bucketOf(slot), { slot, firstOffset: this.#nextOffset }]]);`,
        `    const wanted = new Map([[assigner.bucketOf(slot), { slot, firstOffset: this.#nextOffset }]]);
    const offset = this.#nextOffset;
    this.#nextOffset += 1n;`,
      ),
      patch(
        'src/writing/recordRouter.ts',
        `    } finally {
      opening.ended();`,
        `    } finally {
      this.#nextOffset = offset;
      opening.ended();`,
      ),
    ],
  },
  {
    name: 'the router does not wait until a file is open: the next batch overtakes the record',
    store: 'oss-hdfs',
    patches: [
      patch(
        'src/partition/epoch.ts',
        `await router.consume(batch, endOffset);`,
        `void router.consume(batch, endOffset);`,
      ),
    ],
  },
  {
    name: 'the calls of a file are not in order: it is persisted while it is still written',
    store: 'file',
    patches: [
      patch('src/writing/partWriter.ts', `const result = this.#queue.then(call);`, `const result = call();`),
    ],
  },
  {
    name: 'records of a file are buffered in the wrong order',
    store: 'oss',
    patches: [
      patch(
        'src/writing/partWriter.ts',
        `      bytes.copy(this.#buffer, before, start, end);
      this.#buffer[filled - 1] = NEWLINE;`,
        `      this.#buffer.copyWithin(filled - before, 0, before);
      bytes.copy(this.#buffer, 0, start, end);
      this.#buffer[end - start] = NEWLINE;`,
      ),
    ],
  },
  {
    name: 'a rolled file takes more records',
    store: 'file',
    patches: [
      patch(
        'src/writing/recordRouter.ts',
        `    if (this.#byBucket.get(writer.bucket) === writer) this.#byBucket.delete(writer.bucket);\n`,
        ``,
      ),
    ],
  },
  {
    name: 'a checkpoint journals the length of now, not that of the cut',
    store: 'file',
    patches: [
      patch(
        'src/partition/checkpoint.ts',
        `state, handle: await part.handle });`,
        `state, handle: await part.handle, length: writer.lengthBytes });`,
      ),
    ],
  },
  {
    name: 'a checkpoint does not wait until its bytes are durable',
    store: 'file',
    patches: [
      patch('src/partition/checkpoint.ts', `state, handle: await part.handle });`, `state, handle: null });`),
    ],
  },
  {
    name: 'files are committed before the checkpoint is acknowledged',
    store: 'file',
    patches: [
      patch(
        'src/partition/epoch.ts',
        `    await checkpoint(host, ports.journal.entryBytesMax, router, cut, () => this.#fullDisk.mustNotBeFreed());`,
        `    for (const part of cut.parts) {
      if (part.roll === null) continue;
      await ports.store.commit(host.ledger.part(part.writer.partId).context, { ...part, handle: await part.handle });
    }
    await checkpoint(host, ports.journal.entryBytesMax, router, cut, () => this.#fullDisk.mustNotBeFreed());`,
      ),
    ],
  },
  {
    name: 'the pieces of a large checkpoint are not counted',
    store: 'file',
    patches: [patch('src/partition/checkpoint.ts', `checkpointParts: pieces.length,`, `checkpointParts: 0,`)],
  },
  {
    name: 'pieces of a checkpoint replace each other',
    store: 'oss-hdfs',
    patches: [
      patch('actors/partition.ts', `parts: [...pieces.parts, ...event.parts] };`, `parts: event.parts };`),
      patch('actors/ledger.ts', `return [...pieces.parts, ...event.parts];`, `return event.parts;`),
    ],
  },
  {
    name: 'records read during a checkpoint are not counted',
    store: 'file',
    patches: [
      patch('src/writing/recordRouter.ts', `this.#recordsRead -= cut.recordsRead;`, `this.#recordsRead = 0;`),
    ],
  },
  {
    name: 'partOpened is journaled after the file is created',
    store: 'file',
    patches: [
      patch(
        'src/partition/partFiles.ts',
        `      await host.submit(() => [
        { type: 'partOpened', ...target, bucket, format: 'text', firstOffset, generation, openedAtMs },
      ]);
      try {
        const file = await ports.store.create(target);`,
        `      try {
        const file = await ports.store.create(target);
        await host.submit(() => [
          { type: 'partOpened', ...target, bucket, format: 'text', firstOffset, generation, openedAtMs },
        ]);`,
      ),
    ],
  },
  {
    name: 'an upload id is not journaled before the first upload part',
    store: 'oss',
    patches: [
      patch('src/partition/partFiles.ts', `if (startHandle === undefined) return;`, `if (!isOver()) return;`),
    ],
  },
  {
    name: 'a file whose creation has an unknown outcome is forgotten',
    store: 'file',
    patches: [
      patch(
        'src/partition/partFiles.ts',
        `        await ports.store.discard([target.temporaryUri], null);
        await host.submit(() => [{ type: 'partDiscarded'`,
        `        await host.submit(() => [{ type: 'partDiscarded'`,
      ),
    ],
  },
];
