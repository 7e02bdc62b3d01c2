/**
 * Wrong changes that were chosen from the promise and the protocol alone, before anybody looked at whether
 * the world could show them. `foundAt` is the run of `tidemark fuzz --seed 11` in which each was caught when
 * it was written down.
 */
import { patch, type Mutation } from './mutation.ts';

const EPOCH = 'src/partition/epoch.ts';

export const PROTOCOL_MUTATIONS: readonly Mutation[] = [
  {
    name: 'an ending epoch removes what no checkpoint counts, although nobody has claimed behind it',
    store: 'file',
    seed: 11,
    foundAt: 422,
    patches: [
      patch(
        EPOCH,
        `this.#parts.mayHaveLeftovers && (await this.hasSuccessor()))`,
        `this.#parts.mayHaveLeftovers)`,
      ),
    ],
  },
  {
    name: 'its own entry counts as a later claim',
    store: 'file',
    seed: 11,
    foundAt: 519,
    patches: [
      patch(
        'src/partition/claim.ts',
        'return decodeEntry(next.bytes, `An entry of ${subject}`).epoch > claim.epoch;',
        'return decodeEntry(next.bytes, `An entry of ${subject}`).epoch >= claim.epoch;',
      ),
    ],
  },
  {
    name: 'a question for the identity of the topic that nobody answers counts as answered',
    store: 'file',
    seed: 11,
    foundAt: 771,
    patches: [
      patch(
        'src/partition/checkpoints.ts',
        `    } catch (error) {
      await host.note({ type: 'checkpointFailed' });
      if (required || !isSourceAway(error)) throw error;`,
        `    } catch (error) {
      if (isSourceAway(error)) {
        await checkpoint(host, ports.journal.entryBytesMax, router, cut, () => fullDisk.mustNotBeFreed());
        publisher.tellOffset();
        return;
      }
      if (required || !isSourceAway(error)) throw error;`,
      ),
    ],
  },
  {
    name: 'a checkpoint whose identity is not proven leaves the partition checkpointing',
    store: 'file',
    seed: 11,
    foundAt: 14,
    patches: [
      patch('src/partition/checkpoints.ts', `      await host.note({ type: 'checkpointFailed' });\n`, ``),
    ],
  },
  {
    name: 'a journal that ends before its witness passes',
    store: 'file',
    seed: 11,
    foundAt: 98,
    patches: [
      patch(
        'journal/witness.ts',
        `if (witness.seq > tail.seq) return 'journal-behind';`,
        `if (witness.seq > tail.seq) return 'agrees';`,
      ),
    ],
  },
  {
    name: 'a journal that went back and grew anew passes',
    store: 'file',
    seed: 11,
    foundAt: 113,
    patches: [
      patch(
        'journal/witness.ts',
        `return hashAtSeq === witness.hash ? 'agrees' : 'hash-differs';`,
        `return 'agrees';`,
      ),
    ],
  },
  {
    name: 'an accepted loss may begin behind what is next',
    store: 'file',
    seed: 11,
    foundAt: 130,
    patches: [
      patch(
        'src/partition/lossRules.ts',
        `if (fromOffset !== next || toOffset <= fromOffset)`,
        `if (toOffset <= fromOffset)`,
      ),
    ],
  },
  {
    name: 'a claim forgets that the partition is stopped',
    store: 'file',
    seed: 11,
    foundAt: 8,
    patches: [
      patch(
        'actors/partition.ts',
        `        nextOffset: context.nextOffset ?? event.startOffset,`,
        `        stop: null,
        nextOffset: context.nextOffset ?? event.startOffset,`,
      ),
      patch(
        'actors/partition.ts',
        `event.type === 'epochClaimed' && event.claimId === context.ownClaimId && context.stop !== null,`,
        `event.type === 'epochClaimed' && event.claimId === '' && context.stop !== null,`,
      ),
    ],
  },
  {
    name: 'a request that cannot be read keeps those behind it',
    store: 'file',
    seed: 11,
    foundAt: 6,
    patches: [
      patch(
        'src/partition/requests.ts',
        `    if (error instanceof SyntaxError) return null;
    throw error;`,
        `    throw error;`,
      ),
    ],
  },
  {
    name: 'bytes that came during a checkpoint count as checkpointed',
    store: 'file',
    seed: 11,
    foundAt: 2,
    patches: [
      patch(
        'src/writing/partWriter.ts',
        `    this.checkpointedRecords = records;\n`,
        `    this.checkpointedRecords = Math.max(records, this.records);\n`,
      ),
    ],
  },
  {
    name: 'a rolled file that has not grown since is never closed by a checkpoint',
    store: 'file',
    seed: 11,
    foundAt: 1,
    patches: [
      patch(
        'src/writing/recordRouter.ts',
        `const changed = writer.roll !== null || writer.records > writer.checkpointedRecords;`,
        `const changed = writer.records > writer.checkpointedRecords;`,
      ),
    ],
  },
  {
    name: 'what rolls behind the cut is closed by its checkpoint',
    store: 'file',
    seed: 11,
    foundAt: 1,
    patches: [
      patch(
        'src/partition/checkpoint.ts',
        `    const state = part.roll === null ? 'inProgress' : 'pending';
    parts.push({ ...part, ...(await durable), partId: writer.partId, state });`,
        `    const stored = await durable;
    const state = writer.roll === null ? 'inProgress' : 'pending';
    parts.push({ ...part, ...stored, roll: writer.roll, partId: writer.partId, state });`,
      ),
    ],
  },
  {
    name: 'a write with unknown outcome is sent again to the same file',
    store: 'oss-hdfs',
    seed: 11,
    foundAt: 188,
    patches: [
      patch(
        'src/writing/fileCalls.ts',
        `await file.write(bytes);`,
        `await file.write(bytes).catch(() => file.write(bytes));`,
      ),
      patch('sim/simStores/base.ts', `      this.#life = 'failed';\n`, ``),
    ],
  },
];
