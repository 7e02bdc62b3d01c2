/**
 * What places outside the journal remember of a partition: the destination's witnesses, and the group's
 * committed offset with its witness. They are read before the journal, so that all they saw must be in it.
 */
import { witnessFolderUri, type NamingRule } from '../../actors/naming.ts';
import { asTidemarkError } from '../../journal/errors.ts';
import type { EntryHash, JobName, JournalId, TopicPartition } from '../../journal/ids.ts';
import type { Tail } from '../../journal/replay.ts';
import { checkWitness, parseWitness, parseWitnessName, type Witness } from '../../journal/witness.ts';
import type { PartitionSurvey } from '../sources/survey.ts';
import type { Store } from '../stores/port.ts';
import type { PartitionHistory } from './partitionHistory.ts';

interface Placed {
  readonly source: 'group' | 'destination';
  readonly where: string;
  readonly witness: Witness;
}

/** What was journaled at the entry that a witness names. */
interface SeenThere {
  readonly hash: EntryHash;
  readonly nextOffset: bigint | null;
}

export interface WitnessSources {
  readonly store: Pick<Store, 'listWitnesses'>;
  readonly naming: NamingRule;
  readonly job: JobName;
  /** Null if there is no group, or it has committed nothing. */
  readonly group: PartitionSurvey['group'];
}

export class Witnesses {
  readonly #group: PartitionSurvey['group'];
  readonly #placed: readonly Placed[];
  /** Names and texts that cannot be read as witnesses. */
  readonly #unreadable: readonly string[];
  /** By sequence number, for the entries that a witness names. */
  readonly #seen: Map<number, SeenThere | null>;

  private constructor(
    group: PartitionSurvey['group'],
    placed: readonly Placed[],
    unreadable: readonly string[],
  ) {
    this.#group = group;
    this.#placed = placed;
    this.#unreadable = unreadable;
    this.#seen = new Map(placed.map(({ witness }) => [witness.seq, null]));
  }

  static async of(sources: WitnessSources, partition: TopicPartition): Promise<Witnesses> {
    const { store, naming, job, group } = sources;
    const placed: Placed[] = [];
    const unreadable: string[] = [];
    const attempt = (read: () => Placed | null): void => {
      try {
        const found = read();
        if (found !== null) placed.push(found);
      } catch (error) {
        unreadable.push(asTidemarkError(error, 'Reading a witness').message);
      }
    };
    attempt(() => {
      const witness = parseWitness(group?.metadata ?? null);
      return witness === null ? null : { source: 'group', where: "the group's committed offset", witness };
    });
    const folder = witnessFolderUri(naming, job, partition);
    for (const name of await store.listWitnesses(folder)) {
      if (name.startsWith('.')) continue;
      attempt(() => {
        const witness = { ...parseWitnessName(name, folder), job };
        return { source: 'destination', where: `${folder}/${name}`, witness };
      });
    }
    placed.sort((a, b) => b.witness.seq - a.witness.seq);
    return new Witnesses(group, placed, unreadable);
  }

  /** Call it after each entry of the partition, in order. */
  see({ seq, hash }: Tail, history: PartitionHistory): void {
    if (this.#seen.has(seq)) this.#seen.set(seq, { hash, nextOffset: history.ledger.facts.nextOffset });
  }

  /** Call it at the end of the partition's entries. */
  judge(tail: Tail, journalId: JournalId, history: PartitionHistory): void {
    for (const message of this.#unreadable) history.found('WITNESS_DIFFERS', message);
    this.#judgeNewest('group', tail, journalId, history);
    this.#judgeNewest('destination', tail, journalId, history);
    this.#judgeGroupOffset(journalId, history);
  }

  /** As a claim does: the newest one that no operator has answered. Older ones can say no more. */
  #judgeNewest(source: Placed['source'], tail: Tail, journalId: JournalId, history: PartitionHistory): void {
    const { answered } = history.ledger.facts;
    const newest = this.#placed.find(
      ({ source: from, witness: { journalId: id, seq, hash } }) =>
        from === source &&
        !answered.some(
          (each) => each.source === source && each.journalId === id && each.seq === seq && each.hash === hash,
        ),
    );
    if (newest === undefined) return;
    const { witness, where } = newest;
    const hashAtSeq = this.#seen.get(witness.seq)?.hash ?? null;
    const verdict = checkWitness({ witness, job: witness.job, journalId, tail, hashAtSeq });
    switch (verdict) {
      case 'agrees':
      case 'absent':
        return;
      case 'other-journal':
        history.found('WITNESS_DIFFERS', `${where} saw another journal: ${witness.journalId}`);
        return;
      case 'journal-behind':
        history.found(
          'WITNESS_DIFFERS',
          `${where} saw entry ${witness.seq}; the journal ends at entry ${tail.seq}`,
        );
        return;
      case 'hash-differs':
        history.found('WITNESS_DIFFERS', `${where} saw another entry ${witness.seq}: hash ${witness.hash}`);
        return;
    }
  }

  /** A group that is ahead would make a consumer without this journal skip records. */
  #judgeGroupOffset(journalId: JournalId, history: PartitionHistory): void {
    if (this.#group === null) return;
    const { offset } = this.#group;
    const own = this.#placed.find(
      ({ source, witness }) => source === 'group' && witness.journalId === journalId,
    );
    const nextOffset = own === undefined ? undefined : this.#seen.get(own.witness.seq)?.nextOffset;
    const most = nextOffset ?? history.ledger.facts.nextOffset ?? 0n;
    if (offset > most)
      history.found(
        'GROUP_AHEAD',
        `the group has committed offset ${offset}; the journal has read up to ${most}`,
      );
  }
}
