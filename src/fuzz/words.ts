/** A schedule in words: what a person needs to see what happened. */
import type { Failpoint, FailpointSide } from '../failpoints.ts';
import { formatNoun } from '../telemetry/format.ts';
import type { Fault, LogItem, Schedule, StoreFault, WorldConfig } from './schedule.ts';

/** One line each: the processes, their settings, the log of each partition, and the faults that took place. */
export function scheduleWords(
  { seed, config, workload, faults }: Schedule,
  fired: readonly boolean[],
): string[] {
  return [
    `${config.processes === 1 ? '1 process' : `${config.processes} processes`} on the store "${config.store}", world ${seed}`,
    settingsWords(config),
    ...workload.partitions.map(
      (items, partition) => `partition ${partition}: ${items.map(itemWords).join('; ')}`,
    ),
    ...faults.map((fault, index) =>
      fired[index] === true ? faultWords(fault) : `(did not come to it) ${faultWords(fault)}`,
    ),
  ];
}

function settingsWords(config: WorldConfig): string {
  const { roll, buckets } = config;
  const bucketWords =
    buckets.by === 'none' ? 'no buckets' : `buckets by ${buckets.by} ${buckets.pattern} ${buckets.timezone}`;
  return [
    `checkpoint every ${config.checkpointIntervalMs} ms`,
    `roll at ${roll.maxBytes} B, after ${roll.maxAgeMs} ms, when idle for ${roll.maxIdleMs} ms`,
    ...(roll.atCheckpoint ? ['and at every checkpoint'] : []),
    bucketWords,
    `calls take up to ${config.latencyMsMax} ms each way`,
    `time-out ${config.timeoutMs} ms`,
    `session ${config.sessionMs} ms`,
  ].join(', ');
}

function itemWords(item: LogItem): string {
  if (item.type === 'hole') return `at ${item.atMs} ms ${formatNoun(item.offsets, 'offset')} compacted away`;
  const nulls = item.nullEvery > 0 ? `, every ${item.nullEvery}. null` : '';
  const records = `${formatNoun(item.records, 'record')}${nulls}`;
  if (item.type === 'records') return `at ${item.atMs} ms ${records}`;
  const end = item.committed ? 'committed' : 'aborted';
  return `at ${item.atMs} ms a transaction of ${records}, ${end} at ${item.endsAtMs} ms`;
}

/** `p0's 2nd process is killed after store.commit took effect (...)`. */
function faultWords(fault: Fault): string {
  switch (fault.type) {
    case 'crash':
      return `crash of ${processWords(fault)} ${pointWords(fault)}`;
    case 'pause':
      return `pause of ${processWords(fault)} for ${fault.forMs} ms ${pointWords(fault)}`;
    case 'kill':
      return `the process in place ${fault.process} is killed at ${fault.atMs} ms`;
    case 'freeze':
      return `the process in place ${fault.process} is frozen for ${fault.forMs} ms at ${fault.atMs} ms`;
    case 'journal':
      return `${processWords(fault)}: ${JOURNAL_WORDS[fault.fault.type](ordinal(fault.nth))}`;
    case 'store':
      return `${processWords(fault)}: its ${ordinal(fault.nth)} ${fault.point} ${STORE_WORDS[fault.fault]}`;
    case 'offsetCommit':
      return `${processWords(fault)}: its ${ordinal(fault.nth)} offset commit ${STORE_WORDS[fault.fault]}`;
    case 'join':
      return `a process starts in place ${fault.process} at ${fault.atMs} ms`;
    case 'leave':
      return `the process in place ${fault.process} is asked to stop at ${fault.atMs} ms`;
    case 'roll':
      return `an operator asks at ${fault.atMs} ms for partition ${fault.partition} to be rolled`;
    case 'rebalance':
      return `the group assigns its partitions anew at ${fault.atMs} ms`;
    case 'away':
      return `the ${fault.service} is away for ${fault.forMs} ms at ${fault.atMs} ms`;
    case 'powerCut':
      return `power cut at ${fault.atMs} ms: every process dies, what was not made durable may be gone`;
  }
}

const JOURNAL_WORDS: Readonly<
  Record<Extract<Fault, { type: 'journal' }>['fault']['type'], (nth: string) => string>
> = {
  lostReply: (nth) => `its ${nth} append takes effect, the reply is lost`,
  lostRequest: (nth) => `its ${nth} append is lost on the way`,
  late: (nth) => `its ${nth} append arrives when it has been given up`,
  refused: (nth) => `its ${nth} append is refused`,
  staleRead: (nth) => `its ${nth} read of the journal misses the newest entries`,
  brokenRead: (nth) => `its ${nth} read of the journal breaks off`,
  lostSnapshot: (nth) => `its ${nth} snapshot, written or read, is lost`,
  staleSnapshot: (nth) => `its ${nth} snapshot, written or read, is an older one`,
  damagedSnapshot: (nth) => `its ${nth} snapshot, written or read, has a flipped bit`,
};

const STORE_WORDS: Readonly<Record<StoreFault, string>> = {
  powerCut: 'takes effect, and the power goes: every process dies, what was not made durable may be gone',
  lostReply: 'takes effect, the reply is lost',
  lostRequest: 'is lost on the way',
  late: 'takes effect when it has been given up',
  slow: 'takes long',
  asleep: 'takes effect, and the process sleeps for longer than its session',
  refused: 'is refused',
};

function processWords({ process, life }: { readonly process: number; readonly life: number }): string {
  return `p${process}.${life} (the ${ordinal(life + 1)} process in place ${process})`;
}

/** What an effect does, and what would have come next. */
const POINT_WORDS: Readonly<Record<Failpoint, readonly [done: string, next: string]>> = {
  'journal.append': ['the entry was journaled', 'its acknowledgement was acted on'],
  'journal.claim': ['the claim was journaled', 'it was settled'],
  'journal.jobStarted': ['jobStarted was journaled', 'the group was joined'],
  'journal.markerMade': ['markerMade was journaled', 'the group was joined'],
  'journal.jobStopped': ['jobStopped was journaled', 'the process ended'],
  'journal.fileRequest': ['the request was filed', 'the operator was told'],
  'source.commitOffset': ['the group was told the offset', 'the pending files were committed'],
  'store.claimMarker': ['the marker was there', 'markerMade was journaled'],
  'store.writeWitness': ['the witness of the journal stood', 'the pending files were published'],
  'store.listWitnesses': ['the witnesses of the journal were listed', 'they were judged'],
  'store.removeWitnesses': ['older witnesses were removed', 'the next files were published'],
  'store.create': ['the temporary file was created', 'a record was written to it'],
  'store.write': ['bytes were written', 'they were made durable'],
  'store.persist': ['bytes were made durable', 'the checkpoint was journaled'],
  'store.closeForCommit': ['the file was closed', 'the checkpoint was journaled'],
  'store.recover': ['the file was taken over', 'the takeover was journaled'],
  'store.finish': ['the file was finished at its durable length', 'the takeover was journaled'],
  'store.commit': ['the file was published', 'partCommitted was journaled'],
  'store.commitAfterRecovery': ['the inherited file was published', 'partCommitted was journaled'],
  'store.discard': ['the temporary names were removed', 'that was journaled'],
};

function pointWords(fault: {
  readonly point: Failpoint;
  readonly side: FailpointSide;
  readonly nth: number;
}): string {
  const { point, side, nth } = fault;
  const [done, next] = POINT_WORDS[point];
  const time = nth === 1 ? '' : `, the ${ordinal(nth)} time`;
  return side === 'before'
    ? `before ${point} took effect${time} (before ${done})`
    : `after ${point} took effect${time} (after ${done}, before ${next})`;
}

function ordinal(number: number): string {
  const tens = number % 100;
  const suffix = tens >= 11 && tens <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][number % 10] ?? 'th');
  return `${number}${suffix}`;
}
