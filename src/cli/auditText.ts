/** `tidemark audit` and `journal verify` for people: the verdict first, then what is wrong, then the sums. */
import { partitionName } from '../../journal/ids.ts';
import type { DeepPartition } from '../audit/deep/deepReport.ts';
import { FINDINGS, type Finding } from '../audit/findings.ts';
import type { AuditReport, JournalReport, PartitionVerdict } from '../audit/auditReport.ts';
import type { JournalChoice } from '../app/journalCopy.ts';
import { copyLines } from './journalFile.ts';
import { formatBytes, formatCount, formatNoun } from '../telemetry/format.ts';
import { left, right, tableLines } from './table.ts';

/** Buckets that the text shows of a partition; --json has all. */
const BUCKETS_SHOWN = 20;

export interface AuditedPlace extends JournalChoice {
  readonly sinkUri: string;
}

export function auditText(report: AuditReport, place: AuditedPlace): string {
  const { job, journalId } = report;
  return reportText(
    [`job ${job}, journal ${journalId}, sink ${place.sinkUri}`, ...copyLines(place)],
    'the journal is consistent, and the destination holds what it says',
    report,
    [...filesLines(report), ...deepLines(report)],
  );
}

/** The verdict of the journal alone. */
export function verifyText(report: JournalReport, { journalFile }: JournalChoice): string {
  const { job, journalId } = report;
  return reportText(
    [`job ${job}, journal ${journalId}${journalFile === null ? '' : `, read from ${journalFile}`}`],
    'every entry continues the one before it, and leads where this version says it does',
    report,
    [],
  );
}

function reportText(
  head: readonly string[],
  clean: string,
  report: JournalReport,
  end: readonly string[],
): string {
  const blocks = [
    [...head, verdictLine(report, clean)],
    report.findings.flatMap(findingLines),
    moreFindings(report),
    report.unchecked.map(({ what, code, message }) => `not checked: ${what} (${code}): ${message}`),
    report.partitions.length === 0 ? [] : partitionTable(report.partitions),
    report.partitions.flatMap(repairLines),
    ...report.partitions.map(bucketTable),
    end,
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => `${line}\n`).join(''))
    .join('\n');
}

function verdictLine({ verdict, findingsTotal }: JournalReport, clean: string): string {
  const verdicts = {
    clean: `clean: ${clean}`,
    damaged: 'damaged',
    incomplete: 'incomplete: nothing is wrong as far as could be looked at',
  };
  return `${verdicts[verdict]}${findingsTotal === 0 ? '' : `, ${formatNoun(findingsTotal, 'finding')}`}`;
}

function findingLines({ code, partition, seq, message }: Finding): string[] {
  const where = [
    ...(partition === null ? [] : [partitionName(partition)]),
    ...(seq === null ? [] : [`entry ${seq}`]),
  ].join(' ');
  const { meaning, help } = FINDINGS[code];
  return [
    `${code}${where === '' ? '' : ` ${where}`}: ${message}`,
    `  meaning: ${meaning}`,
    `  what to do: ${help}`,
  ];
}

function moreFindings({ findings, findingsTotal }: JournalReport): string[] {
  const more = findingsTotal - findings.length;
  return more === 0 ? [] : [`... and ${formatNoun(more, 'more finding')}`];
}

function partitionTable(partitions: readonly PartitionVerdict[]): string[] {
  const columns = [
    left('PARTITION'),
    left('VERDICT'),
    right('ENTRIES'),
    right('EPOCH'),
    right('FIRST OFFSET'),
    right('NEXT OFFSET'),
    right('HOLES'),
    right('GIVEN UP'),
    right('READ'),
    right('SKIPPED'),
    right('COMMITTED'),
    right('NOT YET'),
    right('FILES'),
    right('BYTES'),
  ];
  const rows = partitions.map(({ partition, verdict, entries, epoch, offsets, records, files }) => [
    partitionName(partition),
    verdict,
    formatCount(entries),
    String(epoch),
    String(offsets.first ?? '-'),
    String(offsets.next ?? '-'),
    formatCount(offsets.holes),
    formatCount(offsets.lost),
    formatCount(records.read),
    formatCount(records.skipped),
    formatCount(records.committed),
    formatCount(records.open),
    formatCount(files.committed),
    formatBytes(files.committedBytes),
  ]);
  return tableLines(columns, rows);
}

/** What repairs have read again. */
function repairLines({ partition, offsets, records }: PartitionVerdict): string[] {
  if (offsets.rewound === 0n && records.lost === 0) return [];
  return [
    `${partitionName(partition)}: repairs went back by ${formatNoun(Number(offsets.rewound), 'offset')} ` +
      `for ${formatNoun(records.lost, 'record')} of damaged files; ${formatCount(records.alreadyHeld)} ` +
      'that were read again were in other files already',
  ];
}

function bucketTable({ partition, buckets, otherBuckets }: PartitionVerdict): string[] {
  if (buckets.length === 0 || (buckets.length === 1 && buckets[0]?.bucket === '')) return [];
  const columns = [
    left(`BUCKET OF ${partitionName(partition)}`),
    right('FILES'),
    right('RECORDS'),
    right('BYTES'),
  ];
  const shown = buckets.slice(0, BUCKETS_SHOWN);
  const rows = shown.map(({ bucket, files, records, bytes }) => [
    bucket === '' ? '(the sink itself)' : bucket,
    formatCount(files),
    formatCount(records),
    formatBytes(bytes),
  ]);
  const more = buckets.length - shown.length;
  const rest =
    more === 0 && otherBuckets === null ? [] : [`... and more buckets: --json lists ${buckets.length}`];
  return [...tableLines(columns, rows), ...rest];
}

/** A table below an empty line; nothing if the source was not read. */
function deepLines({ deep }: AuditReport): string[] {
  return deep === null || deep.length === 0 ? [] : ['', ...deepTable(deep), ...holesLines(deep)];
}

/** Why offsets have no record: a table below an empty line, and what is known of those without a cause. */
function holesLines(partitions: readonly DeepPartition[]): string[] {
  const holey = partitions.filter(({ holes, expired }) => holes + expired > 0n);
  if (holey.length === 0) return [];
  const columns = [
    ...[left('HOLES BY CAUSE'), right('MARKERS'), right('ABORTED'), right('COMPACTED'), right('UNKNOWN')],
    right('EXPIRED'),
  ];
  const rows = holey.map(({ partition, holesBy: { markers, aborted, compacted, unknown }, expired }) => [
    partitionName(partition),
    ...[markers, aborted, compacted, unknown, expired].map(formatCount),
  ]);
  return ['', ...tableLines(columns, rows), ...holey.flatMap(unknownLines)];
}

function unknownLines({ partition, unknownHoles, holesBy }: DeepPartition): string[] {
  const told = unknownHoles.reduce((sum, { holes }) => sum + holes, 0n);
  const more = holesBy.unknown - told;
  return [
    ...unknownHoles.map(({ from, to, holes, evidence }) => {
      const where = to - from === 1n ? `offset ${from}` : `offsets ${from} to ${to - 1n}`;
      return `${partitionName(partition)} ${where}: ${formatCount(holes)} without a record: ${evidence}`;
    }),
    ...(more === 0n ? [] : [`... and ${formatCount(more)} more of ${partitionName(partition)}`]),
  ];
}

function deepTable(partitions: readonly DeepPartition[]): string[] {
  const columns = [
    ...[
      left('READ AGAIN'),
      right('FROM'),
      right('TO'),
      right('RECORDS'),
      right('NULL'),
      right('BAD'),
      right('HOLES'),
    ],
    ...[
      right('GIVEN UP'),
      right('REMOVED SINCE'),
      right('NOT IN SOURCE'),
      right('FILES'),
      right('NOT COMPARED'),
    ],
    left('COMPARED BY'),
  ];
  const rows = partitions.map((each) => [
    ...[partitionName(each.partition), String(each.from), String(each.to), formatCount(each.records)],
    ...[formatCount(each.nullValues), formatCount(each.bad), formatCount(each.holes)],
    formatCount(each.givenUp),
    ...[formatCount(each.removedSince), formatCount(each.notInSource)],
    ...[formatCount(each.files.compared), formatCount(each.files.notCompared)],
    each.comparedBy === 'order' ? 'each record in its file' : 'lines of files that overlap',
  ]);
  return tableLines(columns, rows);
}

function filesLines({
  files: { compared, comparedBytes, moved, hidden, others, leftovers },
}: AuditReport): string[] {
  return [
    `${formatNoun(compared, 'file')} of ${formatBytes(comparedBytes)} compared`,
    ...(moved === 0 ? [] : [`${formatNoun(moved, 'committed file')} gone, as was to be expected`]),
    ...(hidden === 0
      ? []
      : [`${formatNoun(hidden, 'file')} not published yet, which only the writer can read`]),
    ...(others === 0 ? [] : [`${formatNoun(others, 'file')} of others at the destination`]),
    ...(leftovers === 0
      ? []
      : [`${formatNoun(leftovers, 'temporary file')} that the journal does not hold as open`]),
  ];
}
