/** Reads the latest records of a partition once, without joining the group. */
import type { TopicPartition } from '../../journal/ids.ts';
import { batchesOf, visitRecords } from '../audit/deep/sourceRecords.ts';
import type { OffsetRange, Source } from '../sources/port.ts';
import type { Clock } from '../system/clock.ts';
import { Sampler, type RecordSample, type SampleRule } from './recordSample.ts';

/** No further batch is asked for after so many bytes of one partition. */
const SAMPLE_BYTES_MAX = 4 * 1024 * 1024;

export interface SampleToRead {
  readonly source: Pick<Source, 'open'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly rule: SampleRule;
  /** Offsets before the end at which it begins. */
  readonly offsetsMax: number;
  readonly partition: TopicPartition;
  readonly topicId: string | null;
  readonly range: OffsetRange;
}

export interface PartitionSample extends RecordSample {
  /** [from, to): what was read; less than what was asked for, if its records are large. */
  readonly from: bigint;
  readonly to: bigint;
}

export async function readSample(sample: SampleToRead): Promise<PartitionSample> {
  const { range, rule, partition, offsetsMax } = sample;
  const { startOffset, endOffset: to } = range;
  const wanted = to - BigInt(offsetsMax);
  const from = wanted > startOffset ? wanted : startOffset;
  const sampler = new Sampler(rule, partition);
  let bytes = 0;
  let end = from;
  for await (const batch of batchesOf({ ...sample, from, to, onOffsets: () => undefined })) {
    await visitRecords(batch, { from, to }, (cursor, offset) => {
      bytes += Math.max(0, cursor.valueEnd - cursor.valueStart);
      sampler.take(cursor, offset);
    });
    end = batch.nextOffset < to ? batch.nextOffset : to;
    if (bytes >= SAMPLE_BYTES_MAX) break;
  }
  return { ...(await sampler.end()), from, to: end };
}
