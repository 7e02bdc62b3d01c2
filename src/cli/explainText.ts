/** `tidemark explain` for people. */
import { partitionName } from '../../journal/ids.ts';
import type { FileLife } from '../audit/fileLives.ts';
import type { Candidate, Outcome, RecordLife } from '../audit/explainRecord.ts';
import { changeText } from '../audit/eventText.ts';
import type { TimelineStep } from '../audit/timeline.ts';
import type { Explained } from '../app/history.ts';
import { formatNoun } from '../telemetry/format.ts';

export function explainText({ record, files }: Explained): string {
  const blocks = [...(record === null ? [] : [recordLines(record)]), ...files.map(fileLines)];
  return blocks.map((lines) => lines.map((line) => `${line}\n`).join('')).join('\n');
}

function recordLines({ partition, offset, outcomes }: RecordLife): string[] {
  const name = `${partitionName(partition)}@${offset}`;
  return outcomes.flatMap((outcome) => outcomeLines(name, outcome));
}

function outcomeLines(name: string, outcome: Outcome): string[] {
  switch (outcome.type) {
    case 'not-read':
      return [
        outcome.nextOffset === null
          ? `${name} has not been read: nobody has claimed its partition yet`
          : `${name} has not been read yet, or no checkpoint holds it yet: the next offset is ` +
            `${outcome.nextOffset}`,
      ];
    case 'before-start':
      return [`${name} was never to be read: the job began at offset ${outcome.startOffset}`];
    case 'lost':
      return [`${name} was given up by an operator at ${outcome.at} (entry ${outcome.seq})`];
    case 'read':
      return readLines(name, outcome);
  }
}

function readLines(name: string, outcome: Extract<Outcome, { type: 'read' }>): string[] {
  const { seq, at, checkpoint, candidates, isCertain, isReplaced, generation } = outcome;
  const log = generation === 1 ? '' : `, in generation ${generation} of the log`;
  const head = `${name} was read by checkpoint ${checkpoint}, entry ${seq}, journaled at ${at}${log}`;
  const lines = [head, ...(isCertain ? [] : reasons(outcome)), ...candidates.map(candidateLine)];
  return isReplaced
    ? [...lines, '  later the log went back: the record was replaced there, and stays in its file']
    : lines;
}

/** Why it is not certain where the record is. */
function reasons(outcome: Extract<Outcome, { type: 'read' }>): string[] {
  const { candidates, recordsSkipped, recordsAlreadyHeld, holes, isRepaired } = outcome;
  const others = [
    ...(isRepaired ? ['of a damaged file, and was read again later'] : []),
    ...(recordsAlreadyHeld > 0
      ? [`one of ${formatNoun(recordsAlreadyHeld, 'record')} that were read again, and counted before`]
      : []),
    ...(recordsSkipped > 0 ? [`one of ${formatNoun(recordsSkipped, 'record')} that were skipped`] : []),
    ...(holes > 0n
      ? [
          `one of ${formatNoun(Number(holes), 'offset')} without a record (a transaction marker, or ` +
            `removed by compaction)`,
        ]
      : []),
  ];
  if (candidates.length === 0)
    return [`  it is in no file: it is ${others.join(', or ') || 'unaccounted for; run tidemark audit'}`];
  const files = candidates.length === 1 ? 'this file' : `one of these ${candidates.length} files`;
  return [`  it is in ${files}${others.length === 0 ? '' : `, or it is ${others.join(', or ')}`}:`];
}

function candidateLine({ finalUri, bucket, fromOffset, toOffset, records }: Candidate): string {
  const where = bucket === '' ? '' : ` (bucket ${bucket})`;
  return `  ${finalUri}${where}: ${formatNoun(records, 'record')} at offsets ${fromOffset} to ${toOffset}`;
}

function fileLines({ partition, part, state, durable, steps, committedAt, waitsFor }: FileLife): string[] {
  const holds = durable === null ? 'no checkpoint holds any of it' : `holds ${changeText(durable)}`;
  return [
    part.finalUri,
    `  of ${partitionName(partition)}, ` +
      `${part.bucket === '' ? 'in the sink itself' : `bucket ${part.bucket}`}; ${state}; ${holds}`,
    ...(committedAt === null ? [`  readers cannot see it yet; it waits for ${waitsFor ?? 'nothing'}`] : []),
    ...steps.map(stepLine),
  ];
}

function stepLine({ at, seq, epoch, owner, part, from, to, why }: TimelineStep): string {
  const who = `entry ${seq}, epoch ${epoch}${owner === null ? '' : ` of ${owner}`}`;
  if (part === null) return `  ${at}  the partition was ${why} (${who})`;
  const states = from === null || from === to ? (to ?? '') : `${from} -> ${to ?? ''}`;
  return `  ${at}  ${states}: ${why} (${who})`;
}
