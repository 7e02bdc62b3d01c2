/** Journaled events in words: what happened, and why. */
import {
  isJobEvent,
  type JobEvent,
  type JournalEvent,
  type PartChange,
  type PartitionEvent,
  type RollReason,
} from '../../journal/events.ts';
import { formatBytes, formatNoun } from '../telemetry/format.ts';
import type { BadCount } from '../../actors/partition.ts';

const ROLLED: Readonly<Record<RollReason, string>> = {
  size: 'it was full: it had reached a limit of its length (roll)',
  age: 'it had reached its age (roll.maxAge)',
  idle: 'it had received no record for as long as roll.maxIdle says',
  checkpoint: 'each checkpoint closes every file (roll.onCheckpoint)',
  operator: 'an operator asked for it (tidemark roll)',
  end: 'the run had read up to its end',
  recovery: 'a new owner took it over and could not append to it',
};

/** Why a file was closed to records. */
function rollText({ reason, atMs }: { readonly reason: RollReason; readonly atMs: number }): string {
  return `closed at ${new Date(atMs).toISOString()}, because ${ROLLED[reason]}`;
}

/** What a checkpoint holds of a part file. */
export function changeText({ length, records, firstOffset, lastOffset, roll }: PartChange): string {
  const offsets = `offsets ${firstOffset} to ${lastOffset}`;
  const size = `${formatNoun(records, 'record')}, ${formatBytes(length)}, ${offsets}`;
  return roll === null ? size : `${size}; ${rollText(roll)}`;
}

/** An event in words. */
export function factOf(event: JournalEvent): string {
  return isJobEvent(event) ? jobFactOf(event) : partitionFactOf(event);
}

function jobFactOf(event: JobEvent): string {
  switch (event.type) {
    case 'jobStarted':
      return (
        `started by version ${event.version}, sink ${event.sinkUri ?? 'not recorded'}, group ` +
        `${event.groupId ?? 'none'}${movedText(event.moved)}`
      );
    case 'markerMade':
      return `the marker was made at ${event.sink}`;
    case 'jobStopped':
      return `ended: ${event.reason}`;
  }
}

function partitionFactOf(event: PartitionEvent): string {
  switch (event.type) {
    case 'epochClaimed':
      return `claimed by ${event.owner ?? 'a process whose name is not recorded'} (claim ${event.claimId})`;
    case 'partOpened':
      return (
        `opened for ${bucketText(event.bucket)} at offset ${event.firstOffset}, ` + `as ${event.temporaryUri}`
      );
    case 'partStarted':
      return 'the destination has begun it';
    case 'partMoved':
      return `a new owner takes it over, as ${event.toUri}`;
    case 'checkpointPart':
      return `${formatNoun(event.parts.length, 'file')} of checkpoint ${event.checkpoint}, in advance`;
    case 'checkpointCompleted':
      return checkpointText(event);
    case 'partCommitted':
      return 'published under its final name';
    case 'partDiscarded':
      return 'its temporary names were removed';
    case 'partitionStopped':
      return `stopped, ${event.code}: ${event.message}`;
    case 'partitionRetired':
      return 'retired: the source names it no more, and all that counts is published';
    case 'rollRequested':
      return `an operator asked to close its files (request ${event.requestId})`;
    case 'resumeRequested':
      return `an operator let it try again (request ${event.requestId})`;
    case 'lossAccepted':
      return (
        `an operator gave up offsets ${event.fromOffset} to ${event.toOffset - 1n} (request ` +
        `${event.requestId})`
      );
    case 'logTruncationAccepted':
      return (
        `an operator accepted that the log went back to offset ${event.divergedAt} (request ` +
        `${event.requestId})`
      );
    case 'witnessAnswered':
      return answerText(event);
    case 'partsDamaged':
      return (
        `${formatNoun(event.parts.length, 'damaged file')} of a repair (request ${event.requestId}), ` +
        'in advance'
      );
    case 'partitionRewound':
      return (
        `an operator has the records of damaged files read again: reading goes back to offset ` +
        `${event.nextOffset}, and these files are discarded (request ${event.requestId})`
      );
    case 'requestRefused':
      return `request ${event.requestId} was refused: ${event.reason}`;
  }
}

const movedText = (moved: readonly string[]): string =>
  moved.length === 0 ? '' : `, moved: ${moved.join(', ')}`;

const bucketText = (bucket: string): string => (bucket === '' ? 'the sink itself' : `bucket ${bucket}`);

function checkpointText(event: Extract<JournalEvent, { type: 'checkpointCompleted' }>): string {
  const { checkpoint, nextOffset, recordsRead, recordsSkipped, parts } = event;
  const { nullValue, bad = 0 } = recordsSkipped;
  const skipped =
    (nullValue === 0 ? '' : `, ${nullValue} of them without a value skipped`) +
    (bad === 0 ? '' : `, ${bad} bad ones skipped`) +
    badText(event.recordsBad ?? []) +
    heldText(event.recordsAlreadyHeld ?? 0);
  const files = parts.length === 0 ? 'no file changed' : formatNoun(parts.length, 'file');
  return (
    `checkpoint ${checkpoint}: next offset ${nextOffset}, ${formatNoun(recordsRead, 'record')} ` +
    `read${skipped}; ${files}`
  );
}

const heldText = (records: number): string =>
  records === 0 ? '' : `, ${records} of them again, for a repair: counted before`;

function badText(counts: readonly BadCount[]): string {
  if (counts.length === 0) return '';
  return ` (bad: ${counts.map(({ reason, records }) => `${records} ${reason}`).join(', ')})`;
}

function answerText(event: Extract<JournalEvent, { type: 'witnessAnswered' }>): string {
  const { answer, loss, requestId } = event;
  const given = loss === null ? '' : `, and gave up offsets ${loss.fromOffset} to ${loss.toOffset - 1n}`;
  const how = answer === 'from-journal' ? 'continue from the journal' : 'continue from the witness';
  return `an operator answered for a journal that went back: ${how}${given} (request ${requestId})`;
}
