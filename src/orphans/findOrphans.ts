/**
 * Finds what lies at a destination and no entry of the journal needs. Writes nothing; the job may be running.
 *
 * The destination is listed first. What Tidemark creates there has been journaled before, so that the
 * journal, read afterwards, holds every name of this job that was listed. What it does not hold belongs to
 * another job, or to a journal that is lost: it is counted and left alone. Why a part file that has ended can
 * be relied on: partitionNames.ts.
 *
 * A journal that is damaged, went back, or is not the one of the destination proves nothing: then there is no
 * orphan at all.
 */
import type { NamingRule } from '../../actors/naming.ts';
import { partitionName, type JobName, type JournalId, type TopicPartition } from '../../journal/ids.ts';
import type { Journal, JournalReader } from '../../journal/port.ts';
import { countedReading } from '../audit/countedReading.ts';
import { checkMarker, listedRoots } from '../audit/destination.ts';
import { Findings } from '../audit/findings.ts';
import { partitionsOf, readJobHistory } from '../audit/jobHistory.ts';
import { PartitionReader } from '../audit/partitionReader.ts';
import { Witnesses } from '../audit/witnesses.ts';
import { isStoreFailure } from '../stores/failure.ts';
import type { Store } from '../stores/port.ts';
import type { Clock } from '../system/clock.ts';
import { Listed } from './listed.ts';
import {
  addTo,
  NOTHING,
  orphanOf,
  type NotListed,
  type Orphan,
  type OrphansReport,
  type Refusal,
  type Sum,
  type Withheld,
} from './orphansReport.ts';
import { PartitionNames } from './partitionNames.ts';

export interface OrphansProgress {
  readonly listed: number;
  readonly entries: number;
  readonly partitions: number;
  readonly partitionsDone: number;
}

export interface OrphansPorts {
  readonly journal: Journal;
  readonly store: Pick<Store, 'temporaries' | 'listWitnesses' | 'readMarker'>;
  readonly clock: Pick<Clock, 'wallMs'>;
}

export interface OrphansOptions {
  readonly job: JobName;
  /** Rule of today's configuration; the journal names earlier ones. */
  readonly naming: NamingRule;
  readonly signal: AbortSignal;
  /** May be called at any rate. */
  readonly onProgress: (progress: OrphansProgress) => void;
}

/** Rejects if the journal cannot be read at all, or if the destination cannot be listed. */
export async function findOrphans(ports: OrphansPorts, options: OrphansOptions): Promise<OrphansReport> {
  return new Search(ports, options).run();
}

class Search {
  readonly #ports: OrphansPorts;
  readonly #options: OrphansOptions;
  readonly #listed = new Listed();
  readonly #findings = new Findings();
  readonly #orphans: Orphan[] = [];
  readonly #withheld: Withheld[] = [];
  readonly #notListed: NotListed[] = [];
  #needed: Sum = NOTHING;
  #nowMs = 0;
  #progress: OrphansProgress = { listed: 0, entries: 0, partitions: 0, partitionsDone: 0 };

  constructor(ports: OrphansPorts, options: OrphansOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  async run(): Promise<OrphansReport> {
    const { journal: stored, store, clock } = this.#ports;
    const { job } = this.#options;
    const journal = await countedReading(stored, job, this.#findings);
    await checkMarker({ ...this.#options, store, findings: this.#findings }, journal.id);
    await this.#list(journal);
    this.#nowMs = clock.wallMs();
    const partitions = await partitionsOf(journal, job);
    this.#tell({ partitions: partitions.length });
    for (const { partition, subject } of partitions) {
      await this.#judge(journal, subject, partition);
      this.#tell({ partitionsDone: this.#progress.partitionsDone + 1 });
    }
    return this.#report(journal.id);
  }

  /** Below all sinks that the job has had. */
  async #list(journal: JournalReader): Promise<void> {
    const { job, naming, signal } = this.#options;
    const history = await readJobHistory(journal, job, (finding) => this.#findings.add(finding));
    for (const root of listedRoots(naming, history)) {
      try {
        for await (const batch of this.#ports.store.temporaries.list(root, signal)) {
          for (const one of batch) this.#listed.add(one);
          this.#tell({ listed: this.#progress.listed + batch.length });
        }
      } catch (error) {
        // An earlier sink, at a destination that this store does not reach.
        if (!isStoreFailure(error, 'handleInvalid')) throw error;
        this.#notListed.push({ uri: root, message: error.message });
      }
    }
  }

  async #judge(
    journal: JournalReader,
    subject: Parameters<JournalReader['read']>[0],
    partition: TopicPartition,
  ): Promise<void> {
    const { signal } = this.#options;
    const { store } = this.#ports;
    const findings = this.#findings;
    // Read before the journal, so that it must hold all that they saw.
    const witnesses = await this.#witnessesOf(partition);
    const names = new PartitionNames(this.#listed, (handle) => store.temporaries.uploadIdOf(handle));
    const onEntries = (count: number): void => {
      signal.throwIfAborted();
      this.#tell({ entries: this.#progress.entries + count });
    };
    const { tail, history } = await PartitionReader.atEnd(
      { journal, subject, partition, findings, onEntries },
      {
        onFolded: (at, folded, entry) => {
          witnesses?.see(at, folded);
          names.take(entry);
        },
        onCommitted: () => Promise.resolve(),
      },
    );
    witnesses?.judge(tail, journal.id, history);
    this.#take(partition, names, history.ledger.facts);
  }

  async #witnessesOf(partition: TopicPartition): Promise<Witnesses | null> {
    const { naming, job } = this.#options;
    const { store } = this.#ports;
    try {
      return await Witnesses.of({ store, naming, job, group: null }, partition);
    } catch (error) {
      this.#findings.couldNot(`the witnesses of ${partitionName(partition)}`, error);
      return null;
    }
  }

  /** What an operator may still need for a partition that is stopped is not judged. */
  #take(
    partition: TopicPartition,
    names: PartitionNames,
    facts: PartitionReader['history']['ledger']['facts'],
  ): void {
    let withheld = NOTHING;
    for (const judged of names.judged(facts)) {
      const { item, end } = judged;
      this.#listed.left.delete(item);
      if (facts.stop !== null) withheld = addTo(withheld, item);
      else if (end === null) this.#needed = addTo(this.#needed, item);
      else this.#orphans.push(orphanOf(judged, end, { partition, nowMs: this.#nowMs }));
    }
    if (facts.stop === null || withheld.count === 0) return;
    this.#withheld.push({ partition: partitionName(partition), code: facts.stop.code, ...withheld });
  }

  #report(journalId: JournalId): OrphansReport {
    const refusals = this.#refusals();
    let unknown = NOTHING;
    for (const item of this.#listed.left) unknown = addTo(unknown, item);
    return {
      ...{ job: this.#options.job, journalId, refusals },
      orphans: refusals.length > 0 ? [] : this.#orphans.toSorted((a, b) => a.modifiedAtMs - b.modifiedAtMs),
      ...{ needed: this.#needed, withheld: this.#withheld, unknown, others: this.#listed.others },
      notListed: this.#notListed,
    };
  }

  #refusals(): Refusal[] {
    const { listed, unchecked } = this.#findings;
    return [
      ...listed.map(({ code, partition, message }) => ({
        code,
        message: partition === null ? message : `${partitionName(partition)}: ${message}`,
      })),
      ...unchecked.map(({ what, code, message }) => ({ code, message: `${what}: ${message}` })),
    ];
  }

  #tell(change: Partial<OrphansProgress>): void {
    this.#progress = { ...this.#progress, ...change };
    this.#options.onProgress(this.#progress);
  }
}
