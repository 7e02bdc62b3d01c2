/** What a plan says of its own numbers: what would go wrong, and which setting to think about. Pure. */
import { formatBytes, formatCount, formatDuration, formatNoun } from '../telemetry/format.ts';
import type { BadRule } from '../config/jobConfig.ts';
import type { EndCause, ExpectedFiles } from './expectedFiles.ts';
import type { MemoryPlan } from './memoryPlan.ts';
import type { PartitionPlan, TopicPlan } from './planReport.ts';

/** A topic is silent if its last record is older than this, and no record came in the last hour. */
const SILENT_MS = 3_600_000;

const nameOf = ({ topic, partition }: PartitionPlan): string => `${topic}/${partition}`;

/** What would stop a partition, or empty a topic into nothing. */
export function topicFindings(
  { topic, partitions }: TopicPlan,
  bad: Pick<BadRule, 'to' | 'stopAfter'>,
): readonly string[] {
  const findings = partitions.flatMap(rangeFindings);
  const records = partitions.reduce((sum, { sample }) => sum + sample.records, 0);
  const badOnes = partitions.flatMap((each) => each.sample.bad.map((one) => ({ ...one, of: nameOf(each) })));
  const count = badOnes.reduce((sum, one) => sum + one.records, 0);
  const [first] = badOnes;
  if (first === undefined) return findings;
  const at = `${first.reason} at ${first.of}@${first.firstOffset}`;
  if (count === records)
    return [...findings, `None of ${formatNoun(records, 'sampled record')} of ${topic} fits: ${at}.`];
  if (bad.to !== 'stop') return findings;
  return [
    ...findings,
    `${formatCount(count)} of ${formatNoun(records, 'sampled record')} of ${topic} cannot be written ` +
      `(${at}), and each would stop its partition: set bad.to to "skip" or "file", or correct the job file.`,
  ];
}

function rangeFindings(partition: PartitionPlan): readonly string[] {
  const { start, logStart, logEnd } = partition;
  if (start === null) return [];
  const name = nameOf(partition);
  if (start < logStart)
    return [`${name} is to go on at ${start}, but its log begins at ${logStart}: those offsets are lost.`];
  if (start > logEnd)
    return [`${name} is to go on at ${start}, but its log ends at ${logEnd}: it went back.`];
  return [];
}

export function topicAdvice(
  plan: TopicPlan,
  { maxBytes, bad, wallMs }: { maxBytes: number; bad: Pick<BadRule, 'to'>; wallMs: number },
): readonly string[] {
  const { topic, partitions, files, rate } = plan;
  const advice: string[] = [];
  const bads = partitions.reduce(
    (sum, { sample }) => sum + sample.bad.reduce((all, { records }) => all + records, 0),
    0,
  );
  if (bads > 0 && bad.to !== 'stop') {
    const where = bad.to === 'file' ? 'go to files below _bad' : 'be in no file';
    advice.push(`${formatNoun(bads, 'sampled record')} of ${topic} cannot be written, and would ${where}.`);
  }
  const lastMs = Math.max(...partitions.map(({ sample }) => sample.lastMs ?? -Infinity));
  if (rate.basis === 'sample' && Number.isFinite(lastMs) && wallMs - lastMs > SILENT_MS)
    advice.push(
      `The last record of ${topic} is ${formatDuration(wallMs - lastMs)} old: its rates are of the time ` +
        'when it was written to.',
    );
  if (files?.isSmall === true) advice.push(smallFiles(topic, files, maxBytes));
  return advice;
}

function smallFiles(topic: string, files: ExpectedFiles, maxBytes: number): string {
  const { medianBytes, fullAfterMs, endedBy, open } = files;
  const many = open > 1 ? `, or have fewer than ${formatCount(open)} partitions and folders at a time` : '';
  return (
    `Files of ${topic} would be small: half of them have at most ${formatBytes(medianBytes)}. ` +
    `${remedyOf(endedBy)}${many}. One reaches roll.maxBytes, ${formatBytes(maxBytes)}, after ` +
    `${formatDuration(fullAfterMs)}.`
  );
}

function remedyOf(cause: EndCause): string {
  switch (cause) {
    case 'size':
      return 'roll.maxBytes closes them: raise it';
    case 'records':
      return 'roll.maxRecords closes them: raise it';
    case 'age':
      return 'roll.maxAge closes them: raise it';
    case 'idle':
      return 'roll.maxIdle closes them: raise it';
    case 'bucket':
      return 'The time of their folder ends them: name longer times in bucket.pattern, like days for hours';
  }
}

export function memoryFindings({ shares, ceilingBytes, leastBytes }: MemoryPlan): readonly string[] {
  if (shares !== null) return [];
  return [
    `memory: ${formatBytes(ceilingBytes)} is too little: a run would refuse it; at least ` +
      `${formatBytes(leastBytes)} are needed here.`,
  ];
}

/** @param foldersSampled folders that the samples of all partitions belong to: a file each. */
export function memoryAdvice(
  { filesOpen, filesMax, rowGroup, shares }: MemoryPlan,
  foldersSampled: number,
): readonly string[] {
  if (shares === null) return [];
  const advice: string[] = [];
  const open = Math.max(filesOpen, foldersSampled);
  if (open > filesMax)
    advice.push(
      `About ${formatNoun(open, 'file')} would be open, and ${formatCount(filesMax)} may be: those ` +
        'idle longest are closed early. Raise bucket.maxOpen, memory or the limit of open files ' +
        '(ulimit -n), or have fewer folders.',
    );
  if (rowGroup !== null && rowGroup.expectedBytes < rowGroup.bytes)
    advice.push(
      `Row groups would end at about ${formatBytes(rowGroup.expectedBytes)} of memory, not at ` +
        `${formatBytes(rowGroup.bytes)}: ${formatNoun(filesOpen, 'open file')} share ` +
        `${formatBytes(shares.writeBytes)}. Raise memory, or set a lower sink.parquet.rowGroup or ` +
        'bucket.maxOpen.',
    );
  return advice;
}
