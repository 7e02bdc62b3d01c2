/** What `tidemark status` adds after its tables for a partition: what to do, and what is not as it seems. */
import type { OperatorRequest } from '../../journal/events.ts';
import { formatNoun } from '../telemetry/format.ts';
import type { PartitionStatus } from '../app/contract.ts';

/** Only commands that the partition's owner may accept. */
export function proposalLines(
  { topic, partition, proposals, stop }: PartitionStatus,
  jobFile: string,
): string[] {
  return proposals.map((request) => {
    if (request.type === 'acceptLoss' && stop?.code === 'SOURCE_RECORD_BAD')
      return (
        `  to give up the record: tidemark skip-record ${jobFile} ` +
        `${topic}/${partition}@${request.fromOffset}`
      );
    const { when, command, at = '--partition ', options = '' } = proposal(request);
    return `  ${when}: tidemark ${command} ${jobFile} ${at}${topic}/${partition}${options}`;
  });
}

function proposal(request: OperatorRequest): {
  readonly when: string;
  readonly command: string;
  /** Precedes the partition's name. */
  readonly at?: string;
  readonly options?: string;
} {
  switch (request.type) {
    case 'roll':
      return { when: 'to close its files now', command: 'roll' };
    case 'resume': {
      const from = request.from === null ? '' : ` --from-${request.from}`;
      return {
        when: 'once the cause is gone',
        command: 'resume',
        options: `${from}${request.acceptLoss ? ' --accept-loss' : ''}`,
      };
    }
    case 'acceptLoss': {
      const { fromOffset, toOffset } = request;
      return {
        when: `to give up ${formatNoun(Number(toOffset - fromOffset), 'offset')}`,
        command: 'accept-loss',
        options: ` --from ${fromOffset} --to ${toOffset}`,
      };
    }
    case 'acceptTruncation':
      return {
        when: 'to read on in the log as it is now',
        command: 'accept-truncation',
        at: '',
        options: request.divergedAt === null ? '' : ` --from ${request.divergedAt}`,
      };
    case 'repair':
      return {
        when: 'to have the records of damaged files read again',
        command: 'repair',
        options: request.notTaken ? ' --not-taken' : '',
      };
  }
}

/**
 * `isRunning`: a coordinator of the job is live. `tellsAll`: every live one reports all of its partitions.
 */
export function partitionNotes(
  partition: PartitionStatus,
  { isRunning, tellsAll }: { readonly isRunning: boolean; readonly tellsAll: boolean },
): string[] {
  const { owner, refusal, state, heldBack, lag, recordsBad } = partition;
  const name = `${partition.topic}/${partition.partition}`;
  const notes: string[] = [];
  if (recordsBad.length > 0) {
    const counts = recordsBad.map(({ reason, records }) => `${formatNoun(records, 'record')} ${reason}`);
    notes.push(`${name}: bad records: ${counts.join(', ')}`);
  }
  if (refusal !== null) notes.push(`${name}: request ${refusal.requestId} was refused: ${refusal.reason}`);
  if (isRunning && tellsAll && owner === null && state !== 'retired')
    notes.push(`${name}: not read: no live coordinator has it.`);
  if (heldBack !== null && heldBack > 0n && lag === 0n)
    notes.push(`${name}: ${formatNoun(Number(heldBack), 'offset')} wait for the end of an open transaction.`);
  const group = groupNote(partition, isRunning);
  if (group !== null) notes.push(`${name}: ${group}`);
  return notes;
}

/** If the group's offset differs from the journal's: somebody has moved it, without effect. */
function groupNote({ group, nextOffset, epoch }: PartitionStatus, isRunning: boolean): string | null {
  if (group === null || epoch === 0 || group.offset === nextOffset) return null;
  const moved = `the group's offset is ${group.offset}, the journal's ${nextOffset}`;
  if (!group.hasWitness) {
    return (
      `${moved}: it was set by another program than Tidemark. ` +
      "It has no effect: reading continues at the journal's offset."
    );
  }
  // While a job runs, the group always lags slightly behind the journal.
  if (isRunning && group.offset < nextOffset) return null;
  return group.offset < nextOffset
    ? `${moved}: the last checkpoints were not committed to the group, or its offset was set back. ` +
        "Reading continues at the journal's offset."
    : `${moved}: the journal is older than the group's offset. ` +
        'If nothing is running, it may have gone back: the next start judges that.';
}
