/** What is wrong about snapshots: how they are written, which is taken up, and what stands before it. */
import { patch, type Mutation } from './mutation.ts';

export const SNAPSHOT_MUTATIONS: readonly Mutation[] = [
  {
    name: 'a snapshot is of a state that is not acknowledged',
    store: 'file',
    patches: [
      patch(
        'src/partition/partitionHost.ts',
        `      if (events.length > 0) await this.#appender.append(events);
      const effects = this.#ledger.adopt(stage);
      if (events.length > 0) this.#onAdopted();`,
        `      const effects = this.#ledger.adopt(stage);
      if (events.length > 0) this.#onAdopted();
      if (events.length > 0) await this.#appender.append(events);`,
      ),
    ],
  },
  {
    name: 'a snapshot names an entry that its state does not hold yet',
    store: 'oss-hdfs',
    patches: [
      patch(
        'src/partition/partitionHost.ts',
        `      const effects = this.#ledger.adopt(stage);
      if (events.length > 0) this.#onAdopted();`,
        `      if (events.length > 0) this.#onAdopted();
      const effects = this.#ledger.adopt(stage);`,
      ),
    ],
  },
  {
    name: 'a snapshot of another partition is taken up: neither its subject nor its hash is compared',
    store: 'file',
    patches: [
      patch('src/partition/replayPartition.ts', `snapshot.subject === subject;`, `snapshot !== null;`),
      patch(
        'src/partition/replayPartition.ts',
        `journal.snapshots(subject)`,
        `journal.snapshots(subject.replace(/\\d+$/, '0') as Subject)`,
      ),
      patch(
        'src/partition/replayPartition.ts',
        `      if ((await hashAt(journal, subject, tail.revision)) !== tail.hash) continue;\n`,
        ``,
      ),
    ],
  },
  {
    name: 'a witness that is older than the snapshot is not looked for',
    store: 'oss',
    patches: [
      patch(
        'src/partition/judgeWitness.ts',
        `  const hash = claim.hashes.at(seq) ?? (await hashOfSeq(journal, subject, seq, tail));
  if (hash !== null) return hash;`,
        `  const hash = claim.hashes.at(seq);
  if (hash !== null || seq > 0) return hash ?? null;`,
      ),
    ],
  },
];
