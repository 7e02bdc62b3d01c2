/**
 * A deep audit: after each partition of the journal its source is read again, as far as it still holds what
 * was read.
 */
import { isDeepStrictEqual } from 'node:util';
import type { BucketAssigner } from '../../../actors/buckets/rule.ts';
import type { JsonValue } from '../../../journal/events.ts';
import { partitionName, type TopicPartition } from '../../../journal/ids.ts';
import { decompress } from '../../formats/compression/codecs.ts';
import type { PartFormat } from '../../formats/format.ts';
import { isSourceFailure } from '../../sources/failure.ts';
import type { Source } from '../../sources/port.ts';
import type { Clock } from '../../system/clock.ts';
import type { Findings } from '../findings.ts';
import type { JobHistory } from '../jobHistory.ts';
import type { OpenPart } from '../openParts.ts';
import type { PartitionHistory } from '../partitionHistory.ts';
import type { DeepPartition } from './deepReport.ts';
import { Holders } from './holders.ts';
import type { FileReading } from './linesIn.ts';
import { compareWithSource } from './partitionComparison.ts';
import type { WritingRule } from './recordRule.ts';
import { provenRange } from './provenRange.ts';

/** What a deep audit needs besides the journal and the destination. */
export interface DeepSource {
  readonly source: Pick<Source, 'kind' | 'describe' | 'open' | 'ranges' | 'verifyIdentity' | 'isCompacted'>;
  readonly clock: Clock;
  /** Of today's configuration, with what it journals of the rule. */
  readonly assigner: (partition: TopicPartition) => BucketAssigner;
  readonly bucket: JsonValue;
  readonly format: PartFormat;
  readonly bad: WritingRule['bad'];
  readonly content: JsonValue;
  /** Reads compressed files. Absent: in threads of its own. */
  readonly decompress?: typeof decompress;
  /** Called again and again while the rows of a file are taken apart. Absent: others have their turn. */
  readonly rest?: () => Promise<void>;
}

export interface DeepOptions extends DeepSource {
  readonly reading: FileReading['store'];
  readonly job: JobHistory;
  readonly signal: AbortSignal;
  readonly findings: Findings;
  /** Called while the source is read. */
  readonly onProgress: () => void;
}

export class DeepAudit {
  readonly partitions: DeepPartition[] = [];
  /** Offsets that were read again; those of files that differ are read twice. */
  offsets = 0;
  readonly #options: DeepOptions;
  readonly #holders = new Holders();
  readonly #compacted = new Map<string, Promise<boolean | null>>();
  #other: Promise<boolean> | null = null;

  constructor(options: DeepOptions) {
    this.#options = options;
  }

  /** Another partition begins. */
  begin(): void {
    this.#holders.clear();
  }

  /** A file of the partition that is being audited. */
  holds(part: OpenPart, isCommitted: boolean): void {
    const { durable, finalUri: uri, bucket, format, generation } = part;
    if (durable === null || durable.records === 0) return;
    this.#holders.add({ ...durable, uri, bucket, format, generation, isCommitted });
  }

  /** Call it at the end of the partition's entries, when each of its files has been named. */
  async compare(history: PartitionHistory): Promise<void> {
    const { source, clock, signal, job, findings, onProgress } = this.#options;
    const { partition } = history;
    for (const part of history.parts) this.holds(part, false);
    const topicId = job.topicIds.get(partition.topic) ?? null;
    try {
      const range = (await this.#isOther()) ? null : await provenRange(source, topicId, history);
      const compared = await compareWithSource({
        ...{ history, holders: this.#holders, range, files: this.#fileReading() },
        isCompacted: range === null ? null : await this.#isCompacted(partition.topic),
        reading: {
          ...{ source, clock, signal, partition, topicId },
          onOffsets: (count) => {
            this.offsets += count;
            onProgress();
          },
        },
        rule: this.#writingRule(partition),
      });
      this.partitions.push(compared);
    } catch (error) {
      signal.throwIfAborted();
      findings.couldNot(`the records of ${partitionName(partition)}`, error);
    }
  }

  /** Asked once: it is the same for each partition of a topic. */
  #isCompacted(topic: string): Promise<boolean | null> {
    const { source } = this.#options;
    const asked = this.#compacted.get(topic) ?? source.isCompacted?.(topic) ?? Promise.resolve(null);
    this.#compacted.set(topic, asked);
    return asked;
  }

  /** Whether the source is another cluster than the journal's, or has none of the job's topics. */
  #isOther(): Promise<boolean> {
    this.#other ??= this.#asksIsOther();
    return this.#other;
  }

  async #asksIsOther(): Promise<boolean> {
    const { source, signal, job } = this.#options;
    try {
      const { clusterId } = await source.describe({ wait: false, onWaiting: () => undefined, signal });
      return job.clusterId !== null && clusterId !== null && clusterId !== job.clusterId;
    } catch (error) {
      if (isSourceFailure(error, 'topicMissing')) return true;
      throw error;
    }
  }

  close(): void {
    this.#holders.close();
  }

  #fileReading(): FileReading {
    const { reading: store, signal, rest, decompress: own } = this.#options;
    return { store, signal, rest, decompress: own ?? decompress };
  }

  #writingRule(partition: TopicPartition): WritingRule {
    const { format, bad, content, job } = this.#options;
    const isKnown = job.contents.every((each) => isDeepStrictEqual(each, content));
    return { format, bad, isKnown, assigner: this.#knownRule(partition) };
  }

  /**
   * The rule that has chosen every record's bucket: the same at every start, and by what the source still
   * shows. Files have no times of their own: that of a line without one is the file's, which changes.
   */
  #knownRule(partition: TopicPartition): BucketAssigner | null {
    const { bucket, job, source } = this.#options;
    const assigner = this.#options.assigner(partition);
    const isShown = assigner.isKnownAgain(source.kind === 'kafka');
    return isShown && job.buckets.every((each) => isDeepStrictEqual(each, bucket)) ? assigner : null;
  }
}
