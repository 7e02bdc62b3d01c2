/** The closing output of `tidemark run`. */
import { formatBytes, formatCount, formatNoun } from '../telemetry/format.ts';
import type { RunReport } from '../app/contract.ts';
import { nameBelowSink } from './fileNames.ts';
import { left, right, tableLines } from './table.ts';

const FILES_SHOWN = 30;

/** For standard output. */
export function committedLines({ committed, recordsCommitted }: RunReport, sinkUri: string): string[] {
  const records = formatNoun(recordsCommitted, 'record');
  if (committed.length === 0) {
    return [
      recordsCommitted === 0
        ? 'nothing new was committed'
        : `committed ${records}; their files: tidemark status`,
    ];
  }
  const rows = committed
    .toSorted((a, b) => (a.uri < b.uri ? -1 : 1))
    .slice(0, FILES_SHOWN)
    .map(({ uri, records: count, bytes }) => [
      nameBelowSink(uri, sinkUri),
      formatCount(count),
      formatBytes(bytes),
    ]);
  const rest = committed.length - rows.length;
  return [
    `committed ${formatNoun(committed.length, 'file')} with ${records}`,
    ...tableLines([left('FILE'), right('RECORDS'), right('SIZE')], rows),
    ...(rest > 0 ? [`and ${formatNoun(rest, 'file')} more`] : []),
  ];
}

/** For standard error: the run has failed. */
export function stoppedLines({ stoppedPartitions }: RunReport): string[] {
  return stoppedPartitions.map(
    ({ partition, code, message }) => `tidemark: ${partition} stopped: ${code}: ${message}`,
  );
}
