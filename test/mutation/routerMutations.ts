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
        `  #openFeed(router: RecordRouter): PartitionFeed {`,
        `  rejoined() {
    const { reading } = this;
    const { partition, topicId } = this.#task;
    if (reading === undefined || this.#scope.isOver || this.#scope.drain.isOpen) return;
    const { feed: before, router } = reading;
    router.seek(this.#claim.host.ledger.facts.nextOffset);
    this.#feed = this.#context.ports.source.open(partition, router.nextOffset, topicId, router.read);
    reading.feed = this.#feed;
    before.close();
  }

  #openFeed(router: RecordRouter): PartitionFeed {`,
      ),
      patch('src/partition/epoch.ts', `const reading = {`, `const reading = this.reading = {`),
      patch(
        'src/partition/epoch.ts',
        `      feed.close().catch((error: unknown) => {`,
        `      this.#feed.close().catch((error: unknown) => {`,
      ),
      patch(
        'src/partition/reading.ts',
        `const batch = await nextBatch(context, partition, feed, scope.drain);`,
        `const batch = await nextOf(reading, partition);`,
      ),
      patch(
        'src/partition/reading.ts',
        `async function proveNothingIsLeft(`,
        `async function nextOf(reading, partition) {
  const { context, feed, scope } = reading;
  try {
    return await nextBatch(context, partition, feed, scope.drain);
  } catch (error) {
    if (feed !== reading.feed) return nextOf(reading, partition);
    throw error;
  }
}

async function proveNothingIsLeft(`,
      ),
      patch(
        'src/writing/recordRouter.ts',
        `  adopt(writer: PartWriter, takesRecords: boolean): void {`,
        `  seek(offset) {
    this.#nextOffset = offset;
  }

  adopt(writer: PartWriter, takesRecords: boolean): void {`,
      ),
    ],
  },
  {
    name: 'a cut goes past a record that waits for its file',
    store: 'file',
    patches: [
      patch(
        'src/writing/recordRouter.ts',
        `if (pause.type === 'bucket') return this.#openAhead(pause.slot, batch, endOffset, wallMs);`,
        `if (pause.type === 'bucket') {
      const offset = this.#nextOffset;
      const opening = this.#openAhead(pause.slot, batch, endOffset, wallMs);
      this.#nextOffset += 1n;
      return await opening.finally(() => (this.#nextOffset = offset));
    }`,
      ),
    ],
  },
  {
    name: 'the router does not wait until a file is open: the next batch overtakes the record',
    store: 'oss-hdfs',
    patches: [
      patch(
        'src/partition/reading.ts',
        `await router.consume(batch, endOffset);`,
        `void router.consume(batch, endOffset);`,
      ),
    ],
  },
  {
    name: 'the calls of a file are not in order: it is persisted while it is still written',
    store: 'file',
    patches: [
      patch('src/writing/fileCalls.ts', `const result = this.#queue.then(call);`, `const result = call();`),
    ],
  },
  {
    name: 'records of a file are buffered in the wrong order',
    store: 'oss',
    patches: [
      patch(
        'src/writing/lineBuffer.ts',
        `      bytes.copy(this.#bytes, before, start, end);
      this.#bytes[filled - 1] = NEWLINE;`,
        `      this.#bytes.copyWithin(filled - before, 0, before);
      bytes.copy(this.#bytes, 0, start, end);
      this.#bytes[end - start] = NEWLINE;`,
      ),
    ],
  },
  {
    name: 'a rolled file takes more records',
    store: 'file',
    patches: [
      patch(
        'src/writing/takingFiles.ts',
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
        `...(await durable), partId: writer.partId, state });`,
        `...(await durable), partId: writer.partId, state, length: writer.lengthBytes });`,
      ),
    ],
  },
  {
    name: 'a checkpoint does not wait until its bytes are durable',
    store: 'file',
    patches: [
      patch(
        'src/writing/fileCalls.ts',
        `      handle = await this.#named(call);\n`,
        `      void this.#named(call).catch(() => undefined);
      handle = null;\n`,
      ),
    ],
  },
  {
    name: 'files are committed before the checkpoint is acknowledged',
    store: 'file',
    patches: [
      patch(
        'src/partition/checkpoints.ts',
        `    await checkpoint(host, ports.journal.entryBytesMax, router, cut, () => fullDisk.mustNotBeFreed());`,
        `    for (const part of cut.parts) {
      if (part.roll === null) continue;
      await ports.store.commit(host.ledger.part(part.writer.partId).context, { ...part, ...(await part.durable) });
    }
    await checkpoint(host, ports.journal.entryBytesMax, router, cut, () => fullDisk.mustNotBeFreed());`,
      ),
    ],
  },
  {
    name: 'the pieces of a large checkpoint are not counted',
    store: 'file',
    patches: [
      patch('src/partition/checkpointPieces.ts', `checkpointParts: pieces.length,`, `checkpointParts: 0,`),
    ],
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
        `      await host.submit(({ facts }) => {
        // A checkpoint that ends a repair may be journaled before it.
        target = named(facts);
        return [{ type: 'partOpened', ...target, bucket, format, firstOffset, generation, openedAtMs }];
      });
      try {
        const opened = await this.#create(target, bucket);`,
        `      target = named(host.ledger.facts);
      try {
        const opened = await this.#create(target, bucket);
        await host.submit(() => [
          { type: 'partOpened', ...target, bucket, format, firstOffset, generation, openedAtMs },
        ]);`,
      ),
    ],
  },
  {
    name: 'an upload id is not journaled before the first upload part',
    store: 'oss',
    patches: [
      patch(
        'src/partition/partFiles.ts',
        `if (startHandle === undefined) return;`,
        `if (!scope.isOver) return;`,
      ),
    ],
  },
  {
    name: 'a file whose creation has an unknown outcome is forgotten',
    store: 'file',
    patches: [
      patch(
        'src/partition/partFiles.ts',
        `        await ports.store.discard(withRowsFiles(format, [target.temporaryUri]), null);
        await host.submit(() => [{ type: 'partDiscarded'`,
        `        await host.submit(() => [{ type: 'partDiscarded'`,
      ),
    ],
  },
  {
    name: 'a bad record is in no file',
    store: 'file',
    seed: 11,
    foundAt: 1,
    patches: [
      patch(
        'src/writing/badRecords.ts',
        `    this.line.encode(record, reason);
    return true;`,
        `    this.line.encode(record, reason);
    return false;`,
      ),
    ],
  },
  {
    name: 'files are opened ahead for records that are in no file',
    store: 'file',
    seed: 11,
    foundAt: 48,
    patches: [
      patch(
        'src/writing/bucketsAhead.ts',
        `if (!isThere && whyNotWritten(writing, cursor) !== null) continue;`,
        `if (!isThere && cursor.valueStart >= 0 && whyNotWritten(writing, cursor) !== null) continue;`,
      ),
    ],
  },
  {
    name: 'the length of a compressed file is that of its lines',
    store: 'oss-hdfs',
    seed: 11,
    foundAt: 7,
    patches: [
      patch(
        'src/writing/fileCalls.ts',
        `      await this.#writeBytes(bytes);`,
        `      await this.#writeBytes(bytes);
      this.#length += plainBytes - bytes.length;`,
      ),
    ],
  },
];
