/** One topic of a plan: its partitions, the paths of real records, and the files that they would make. */
import { finalUri, folderUri, type NamingRule } from '../../actors/naming.ts';
import { partitionName } from '../../journal/ids.ts';
import { expectedFiles, type FileLimits } from './expectedFiles.ts';
import type { JournaledJob } from './journaledJob.ts';
import type { PartitionPlan, SamplePath, TopicPlan, TopicRate } from './planReport.ts';
import { rateOf } from './rates.ts';
import type { PartitionSample } from './readSample.ts';
import type { PartitionStart } from './starts.ts';
import type { OffsetRange } from '../sources/port.ts';

/** Folders of which a path is shown. */
const PATHS_MAX = 3;
/** In place of each character that is drawn when a file is opened. */
const DRAWN = '?';

export interface SampledPartition {
  readonly range: OffsetRange;
  readonly start: PartitionStart;
  readonly sample: PartitionSample;
  /** Offsets of the last hour; null if the source cannot tell. */
  readonly offsetsOfHour: bigint | null;
}

export interface SampledTopic {
  readonly topic: string;
  /** By partition number. */
  readonly partitions: readonly SampledPartition[];
}

export interface TopicRule {
  readonly naming: NamingRule;
  readonly limits: FileLimits;
  readonly job: JournaledJob | null;
}

/** What a topic adds to the memory of a run. */
export interface TopicLoad {
  readonly rowBytes: number | null;
  readonly recordsPerFile: number;
  /** Of the busiest stream, before compression. */
  readonly bytesPerSecondOfFile: number;
}

interface Encoded {
  readonly records: number;
  readonly sourceBytes: number;
  readonly bytes: number;
  readonly plainBytes: number;
  readonly overheadBytes: number;
  readonly rowBytes: number | null;
}

export function planTopic(
  { topic, partitions: sampled }: SampledTopic,
  rule: TopicRule,
): { readonly plan: TopicPlan; readonly load: TopicLoad } {
  const partitions = sampled.map((each, partition) => partitionPlan(topic, partition, each));
  const encoded = encodedOf(sampled);
  const recordBytes = encoded.bytes / encoded.records;
  const streams = streamsOf(partitions, sampled);
  const isKnown = encoded.records > 0 && partitions.some(({ rate }) => rate.type === 'known');
  const files = isKnown
    ? expectedFiles({
        ...{ streams, recordBytes, overheadBytes: encoded.overheadBytes, limits: rule.limits },
        bucketMs: leastOf(sampled.flatMap(({ sample }) => sample.bucketMs ?? [])),
      })
    : null;
  return {
    plan: {
      ...{ topic, partitions, files },
      paths: pathsOf(topic, sampled, rule),
      buckets: new Set(sampled.flatMap(({ sample }) => [...sample.buckets.keys()])).size,
      record:
        encoded.records === 0
          ? null
          : { sourceBytes: encoded.sourceBytes / encoded.records, fileBytes: recordBytes },
      rate: topicRate(partitions),
      backlog: backlogOf(partitions, encoded),
    },
    load: {
      rowBytes: encoded.rowBytes,
      recordsPerFile: files?.medianRecords ?? encoded.records,
      bytesPerSecondOfFile:
        encoded.records === 0 ? 0 : (Math.max(0, ...streams) * encoded.plainBytes) / encoded.records,
    },
  };
}

function partitionPlan(
  topic: string,
  partition: number,
  { range, start, sample, offsetsOfHour }: SampledPartition,
): PartitionPlan {
  const { from, to, records, leftOut, bad, buckets, firstMs, lastMs } = sample;
  const begin = start.offset !== null && start.offset < range.startOffset ? range.startOffset : start.offset;
  const behind = begin === null ? null : range.endOffset > begin ? range.endOffset - begin : 0n;
  return {
    ...{ topic, partition, logStart: range.startOffset, logEnd: range.endOffset, behind },
    ...{ start: start.offset, startReason: start.reason },
    sample: { ...{ from, to, records, leftOut, bad, firstMs, lastMs }, buckets: buckets.size },
    rate: rateOf({ records, offsets: to - from, firstMs, lastMs, offsetsOfHour }),
  };
}

function encodedOf(sampled: readonly SampledPartition[]): Encoded {
  const all = sampled.map(({ sample }) => sample).filter(({ encoded }) => encoded.records > 0);
  const sum = (of: (sample: PartitionSample) => number): number =>
    all.reduce((total, each) => total + of(each), 0);
  const records = sum(({ encoded }) => encoded.records);
  const rowBytes = sum(({ encoded }) => (encoded.rowBytes ?? 0) * encoded.records) / records;
  return {
    records,
    sourceBytes: sum(({ sourceBytes }) => sourceBytes),
    bytes: sum(({ encoded }) => encoded.bytes),
    plainBytes: sum(({ encoded }) => encoded.plainBytes),
    overheadBytes: records === 0 ? 0 : sum(({ encoded }) => encoded.overheadBytes) / all.length,
    rowBytes: rowBytes > 0 ? rowBytes : null,
  };
}

/** Records per second that are written, of each stream. */
function streamsOf(partitions: readonly PartitionPlan[], sampled: readonly SampledPartition[]): number[] {
  return sampled.flatMap(({ sample }, partition) => {
    const rate = partitions[partition]?.rate;
    if (rate?.type !== 'known') return [];
    return sample.streams.map((records) => (rate.recordsPerSecond * records) / sample.records);
  });
}

function topicRate(partitions: readonly PartitionPlan[]): TopicRate {
  const known = partitions.flatMap(({ rate }) => (rate.type === 'known' ? [rate] : []));
  const unknown = partitions.flatMap(({ rate }) => (rate.type === 'unknown' ? [rate.why] : []));
  const isKnown = known.length > 0;
  return {
    recordsPerSecond: isKnown ? known.reduce((sum, { recordsPerSecond }) => sum + recordsPerSecond, 0) : null,
    windowMs: isKnown ? Math.max(...known.map(({ windowMs }) => windowMs)) : null,
    basis: isKnown ? (known.find(({ basis }) => basis === 'sample')?.basis ?? 'lastHour') : null,
    unknownPartitions: unknown.length,
    why: isKnown ? null : (unknown[0] ?? 'there are no records'),
  };
}

/** As far as the sample tells: how many of the offsets hold records, and what those take. */
function backlogOf(partitions: readonly PartitionPlan[], encoded: Encoded): TopicPlan['backlog'] {
  let records = 0n;
  for (const { behind } of partitions) {
    if (behind === null) return null;
    records += behind;
  }
  const offsets = partitions.reduce((sum, { sample }) => sum + Number(sample.to - sample.from), 0);
  return { records, fileBytes: offsets === 0 ? 0 : (Number(records) * encoded.bytes) / offsets };
}

/** Of the last record of each of the latest folders. */
function pathsOf(
  topic: string,
  sampled: readonly SampledPartition[],
  { naming, job }: TopicRule,
): readonly SamplePath[] {
  const latest = new Map<string, SamplePath & { readonly lastMs: number }>();
  for (const [partition, { sample }] of sampled.entries()) {
    for (const [bucket, offset] of sample.buckets) {
      const lastMs = sample.lastMs ?? 0;
      const known = latest.get(bucket);
      if (known !== undefined && known.lastMs > lastMs) continue;
      const generation = job?.partitions.get(partitionName({ topic, partition }))?.generation ?? 1;
      const folder = folderUri(naming, bucket, DRAWN.repeat(naming.entropy?.length ?? 0));
      const uri = finalUri(naming, folder, { topic, partition }, offset, generation);
      latest.delete(bucket);
      latest.set(bucket, { partition, offset, bucket, uri, lastMs });
    }
  }
  return [...latest.values()].slice(-PATHS_MAX).map(({ lastMs: _, ...path }) => path);
}

const leastOf = (values: readonly number[]): number | null =>
  values.length === 0 ? null : Math.min(...values);
