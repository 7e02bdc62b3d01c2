/** What is wrong about claims, appends, replay and the witness. */
import { patch, type Mutation } from './mutation.ts';

export const JOURNAL_MUTATIONS: readonly Mutation[] = [
  {
    name: 'effects take place before their journal append',
    store: 'file',
    patches: [
      patch(
        'src/partition/partitionHost.ts',
        `      if (events.length > 0) await this.#appender.append(events);
      const effects = this.#ledger.adopt(stage);
      if (events.length > 0) this.#onAdopted();
      if (effects.length > 0) this.#onEffects(effects);`,
        `      const effects = this.#ledger.adopt(stage);
      if (effects.length > 0) this.#onEffects(effects);
      if (events.length > 0) await this.#appender.append(events);
      if (events.length > 0) this.#onAdopted();`,
      ),
    ],
  },
  {
    name: 'no epoch check: an entry of another owner is no fence',
    store: 'file',
    patches: [
      patch(
        'journal/writer.ts',
        `        if (tail.hash === ownHash) return tail;
        throw new TidemarkError(`,
        `        if (tail.hash === ownHash) return tail;
        if (entry.epoch > 0) {
          this.#tail = tail;
          continue;
        }
        throw new TidemarkError(`,
      ),
    ],
  },
  {
    name: 'two claimers with one epoch: the claim of another counts as the own one',
    store: 'file',
    patches: [
      patch(
        'journal/writer.ts',
        `if (tail.hash === ownHash) return tail;`,
        `if (tail.hash === ownHash || entry.events[0]?.type === 'epochClaimed') return tail;`,
      ),
    ],
  },
  {
    name: 'a conflict counts as success',
    store: 'oss-hdfs',
    patches: [
      patch(
        'journal/writer.ts',
        `const found = await this.#findConflicting(pending.hash);`,
        `const found = { revision: outcome.lastRevision, seq: pending.seq, hash: pending.hash };`,
      ),
    ],
  },
  {
    name: 'an append with unknown outcome counts as success',
    store: 'oss',
    patches: [
      patch(
        'journal/writer.ts',
        `        pending.uncertain = true;
        pending.odd = null;
        return null;`,
        `        return { revision: this.#tail.revision + 1, seq: pending.seq, hash: pending.hash };`,
      ),
    ],
  },
  {
    name: 'an append that was refused counts as success',
    store: 'file',
    patches: [
      patch(
        'journal/writer.ts',
        `        if (!outcome.retryable) throw this.#refusedForGood(outcome.cause);
        return null;`,
        `        return { ...this.#tail, seq: pending.seq, hash: pending.hash };`,
      ),
    ],
  },
  {
    name: 'an append of which the outcome is unknown is forgotten: the next one chains to the entry before it',
    store: 'file',
    patches: [
      patch('journal/writer.ts', `prevHash: this.#tail.hash,`, `prevHash: this.#prevHash(),`),
      patch(
        'journal/writer.ts',
        `  #tooLarge(bytes: number): TidemarkError {`,
        `  #before = '';
  #seen = '';
  #prevHash() {
    if (this.#seen !== this.#tail.hash) [this.#before, this.#seen] = [this.#seen, this.#tail.hash];
    return this.#tail.seq > 3 ? this.#before : this.#tail.hash;
  }

  #tooLarge(bytes: number): TidemarkError {`,
      ),
    ],
  },
  {
    name: 'a fence by wildcard: an append expects the last entry of all subjects',
    store: 'file',
    patches: [
      patch(
        'sim/simJournalServer.ts',
        `const lastRevision = this.entries(subject).at(-1)?.revision ?? 0;`,
        `const lastRevision = this.entries(subject).length === 0 ? 0 : this.#lastRevision;`,
      ),
    ],
  },
  {
    name: 'a claim begins at the start offset again',
    store: 'oss',
    patches: [
      patch(
        'actors/partition.ts',
        `nextOffset: context.nextOffset ?? event.startOffset,`,
        `nextOffset: event.startOffset,`,
      ),
    ],
  },
  {
    name: 'a claim forgets what is pending',
    store: 'file',
    patches: [
      patch(
        'actors/partFile.ts',
        `        partCommitted: 'committed',
        partLost: { target: 'discarding', actions: ['forgetCopy', 'forgetContent', 'discardPart'] },
        epochClaimed: {},`,
        `        partCommitted: 'committed',
        partDiscarded: 'discarded',
        partLost: { target: 'discarding', actions: ['forgetCopy', 'forgetContent', 'discardPart'] },
        epochClaimed: { target: 'discarding', actions: 'discardPart' },`,
      ),
    ],
  },
  {
    name: 'a claim discards files that a checkpoint counts',
    store: 'oss-hdfs',
    patches: [
      patch(
        'actors/partFile.ts',
        `epochClaimed: { actions: 'forgetCopy' },`,
        `epochClaimed: { target: 'discarding', actions: 'forgetCopy' },`,
      ),
    ],
  },
  {
    name: 'a claim goes on with files that no checkpoint counts',
    store: 'file',
    patches: [
      patch(
        'actors/partFile.ts',
        `epochClaimed: { target: 'discarding', actions: 'discardPart' },`,
        `epochClaimed: {},`,
      ),
    ],
  },
  {
    name: 'a name to which a file was being moved is forgotten by the next claim',
    store: 'oss-hdfs',
    patches: [
      patch(
        'actors/partFile.ts',
        `      copyUri: null,
      staleUris: [...context.staleUris, ...leftBehind(context.copyUri)],`,
        `      copyUri: null,
      staleUris: context.staleUris,`,
      ),
    ],
  },
  {
    name: 'the witness names an entry that is not acknowledged',
    store: 'file',
    patches: [
      patch(
        'src/partition/publisher.ts',
        `      journalId: journal.id,
      seq,`,
        `      journalId: journal.id,
      seq: seq + 1,`,
      ),
    ],
  },
  {
    name: 'the witness of a later owner counts as a journal that went back',
    store: 'file',
    patches: [
      patch(
        'src/partition/judgeWitness.ts',
        `  if (disagreeing.some(({ verdict }) => verdict === 'journal-behind'))
    await judging.latch.race(lookForLaterClaim(judging));\n`,
        ``,
      ),
    ],
  },
  {
    name: 'offsets committed to Kafka are trusted',
    store: 'file',
    patches: [
      patch(
        'sim/simKafka/source.ts',
        `  stop(): Promise<void> {`,
        `  async committedOffset({ partition }) {
    return this.#question(() => this.#kafka.group.committed(partition)?.offset ?? null);
  }

  stop(): Promise<void> {`,
      ),
      patch(
        'src/partition/epoch.ts',
        `const router = this.#makeRouter();`,
        `const committed = await this.#context.ports.source.committedOffset(this.#task.partition);
    const router = this.#makeRouter(committed);`,
      ),
      patch(
        'src/partition/epoch.ts',
        `#makeRouter(): RecordRouter {`,
        `#makeRouter(committed): RecordRouter {`,
      ),
      patch(
        'src/partition/epoch.ts',
        `      nextOffset,
      journaledEpoch(`,
        `      committed ?? nextOffset,
      journaledEpoch(`,
      ),
    ],
  },
  {
    name: 'a claim takes the number of the epoch before it',
    store: 'file',
    patches: [
      patch(
        'src/partition/claim.ts',
        `const epoch = ledger.facts.epoch + 1;`,
        `const epoch = Math.max(1, ledger.facts.epoch);`,
      ),
    ],
  },
];
