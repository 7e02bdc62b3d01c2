/**
 * What this version makes of a journal, entry by entry, for a comparison with what another version makes of
 * it. The lines and the fields behind the digests are an interface between versions: a change of them is a
 * new format.
 */
import { hash } from 'node:crypto';
import { PartitionLedger, type PartFileView } from '../../actors/ledger.ts';
import { asTidemarkError } from '../../journal/errors.ts';
import { isJournalFailure } from '../../journal/failure.ts';
import type { JobName, Subject, TopicPartition } from '../../journal/ids.ts';
import type { Journal } from '../../journal/port.ts';
import { ChainCheck, type ReplayedEntry } from '../../journal/replay.ts';
import { bigintsAsText } from '../../kernels/json.ts';
import { checkBelongs, partitionEvents } from '../partition/replayPartition.ts';
import { partitionsOf } from './jobHistory.ts';

export const FOLD_FORMAT = 1;

/** The sides of a partition's state that are compared, each as a digest. */
export type FoldedState = Readonly<Record<'claim' | 'offsets' | 'requests' | 'stop' | 'files', string>>;

export interface FoldedEntry {
  readonly type: 'entry';
  readonly subject: string;
  readonly seq: number;
  readonly at: string;
  readonly events: readonly string[];
  readonly state: FoldedState;
}

/** The rest of the subject is not folded. */
export interface RefusedEntry {
  readonly type: 'refused';
  readonly subject: string;
  readonly seq: number;
  readonly code: string;
  readonly message: string;
}

export type FoldLine = FoldedEntry | RefusedEntry;

/**
 * A line for each entry of each partition, up to the first that is refused. Rejects if the journal is away.
 */
export async function* foldLines(journal: Journal, job: JobName): AsyncGenerator<FoldLine> {
  for (const { subject, partition } of await partitionsOf(journal, job)) {
    const chain = new ChainCheck(subject);
    const fold = new Fold(subject, partition);
    try {
      for await (const batch of journal.read(subject, 0))
        for (const stored of batch) yield fold.next(chain.next(stored));
    } catch (error) {
      if (isJournalFailure(error, 'unavailable')) throw error;
      const { code, message } = asTidemarkError(error, 'Folding the entry');
      yield { type: 'refused', subject, seq: fold.seq + 1, code, message };
    }
  }
}

class Fold {
  /** Of the last entry that was folded. */
  seq = 0;
  readonly #subject: Subject;
  readonly #partition: TopicPartition;
  readonly #ledger = new PartitionLedger();
  /** By the immutable context, so that files that an entry does not touch cost little. */
  readonly #files = new WeakMap<object, string>();

  constructor(subject: Subject, partition: TopicPartition) {
    this.#subject = subject;
    this.#partition = partition;
  }

  /** Throws what a claim would throw. */
  next({ entry }: ReplayedEntry): FoldedEntry {
    this.#ledger.fold(partitionEvents(entry.events, this.#subject));
    checkBelongs(entry, this.#partition, this.#ledger, this.#subject);
    this.seq = entry.seq;
    const events = entry.events.map(({ type }) => type);
    return {
      type: 'entry',
      subject: this.#subject,
      seq: entry.seq,
      at: entry.at,
      events,
      state: this.#state(),
    };
  }

  #state(): FoldedState {
    const { facts, committedFiles } = this.#ledger;
    const { epoch, claimId, retired, nextOffset, checkpoint, recordsRead, recordsSkippedNull } = facts;
    const { leaderEpoch, leaderEpochStart, earlierLeaderEpochs, generation } = facts;
    const { lastRequestId, refusal, answered, stop, pieces } = facts;
    const { recordsAlreadyHeld, repairs, repair, damaged } = facts;
    const files = [...this.#ledger.parts()].map((part) => this.#fileOf(part));
    return {
      claim: digest([epoch, claimId, retired]),
      offsets: digest([
        ...[nextOffset, checkpoint, recordsRead, recordsSkippedNull],
        ...[leaderEpoch, leaderEpochStart, earlierLeaderEpochs, generation],
        // What earlier versions do not have is left out where there is none of it.
        ...(repairs === 0 ? [] : [recordsAlreadyHeld, repairs, repair]),
      ]),
      requests: digest([lastRequestId, refusal, answered, ...(damaged === null ? [] : [damaged])]),
      stop: digest(stop && [stop.code, stop.fromOffset, stop.toOffset, stop.files, stop.truncation]),
      files: digest([committedFiles, files, pieces]),
    };
  }

  #fileOf({ status, context }: PartFileView): string {
    const known = this.#files.get(context) ?? fileDigest(context);
    this.#files.set(context, known);
    return `${status} ${known}`;
  }
}

function fileDigest(context: PartFileView['context']): string {
  const { partId, bucket, finalUri, temporaryUri, firstOffset, generation, openedAtMs } = context;
  const { startHandle, durable, roll, copyUri, staleUris } = context;
  return digest([
    ...[partId, bucket, finalUri, temporaryUri, firstOffset, generation, openedAtMs],
    durable && [
      ...[durable.length, durable.records, durable.firstOffset, durable.lastOffset],
      ...[durable.crc64, durable.handle],
    ],
    ...[startHandle, roll, copyUri, staleUris],
  ]);
}

function digest(value: unknown): string {
  return hash('sha256', JSON.stringify(value, bigintsAsText), 'hex').slice(0, 16);
}
