/** `tidemark orphans` for people: what was found and what became of it, then the orphans, then the rest. */
import type { FoundOrphan, OrphansOutcome } from '../app/orphans.ts';
import { formatAge, formatBytes, formatNoun } from '../telemetry/format.ts';
import { left, right, tableLines } from './table.ts';

export interface OrphansPlace {
  readonly sinkUri: string;
  readonly minAgeMs: number;
}

export function orphansText(outcome: OrphansOutcome, place: OrphansPlace): string {
  const { job, journalId, orphans, refusals } = outcome;
  const blocks = [
    [`job ${job}, journal ${journalId}, sink ${place.sinkUri}`, ...headLines(outcome, place)],
    refusals.map(({ code, message }) => `${code}: ${message}`),
    orphans.length === 0 ? [] : orphanTable(orphans),
    orphans.flatMap(failureLines),
    restLines(outcome),
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => `${line}\n`).join(''))
    .join('\n');
}

function headLines({ orphans, refusals }: OrphansOutcome, { minAgeMs }: OrphansPlace): string[] {
  if (refusals.length > 0) {
    return [
      'nothing is called an orphan, and nothing was removed: the journal proves nothing while this is so ' +
        '(`tidemark audit` says more)',
    ];
  }
  if (orphans.length === 0) return ['no orphans'];
  const size = `${formatBytes(bytesOf(orphans))}${uploadsOf(orphans)}`;
  const counted = `${formatNoun(orphans.length, 'orphan')}, ${size}`;
  return [`${counted}${removalsOf(orphans, formatAge(minAgeMs))}`];
}

const bytesOf = (orphans: readonly FoundOrphan[]): number =>
  orphans.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);

/** A listing of uploads does not tell their bytes. */
function uploadsOf(orphans: readonly FoundOrphan[]): string {
  const uploads = orphans.filter(({ bytes }) => bytes === null).length;
  return uploads === 0 ? '' : ` and ${formatNoun(uploads, 'upload')} of unknown size`;
}

function removalsOf(orphans: readonly FoundOrphan[], minAge: string): string {
  if (orphans.every(({ removal }) => removal === null)) return '; --delete removes them';
  const count = (type: NonNullable<FoundOrphan['removal']>['type']): number =>
    orphans.filter(({ removal }) => removal?.type === type).length;
  const [removed, spared, failed] = [count('removed'), count('spared'), count('failed')];
  return (
    `: ${removed} removed` +
    (spared === 0 ? '' : `, ${spared} spared that are younger than ${minAge}`) +
    (failed === 0 ? '' : `, ${failed} not removed`)
  );
}

function orphanTable(orphans: readonly FoundOrphan[]): string[] {
  const isRemoving = orphans.some(({ removal }) => removal !== null);
  const columns = [
    ...[right('AGE'), right('SIZE'), left('KIND'), left('PARTITION'), left('MADE BY'), left('PART FILE')],
    ...(isRemoving ? [left('NOW')] : []),
    left('NAME'),
  ];
  return tableLines(
    columns,
    orphans.map((orphan) => rowOf(orphan, isRemoving)),
  );
}

function rowOf(orphan: FoundOrphan, isRemoving: boolean): string[] {
  const { ageMs, bytes, kind, partition, end, removal, uri, uploadId } = orphan;
  return [
    ...[formatAge(ageMs), bytes === null ? '' : formatBytes(bytes), KINDS[kind], partition],
    ...[makerText(orphan), end],
    ...(isRemoving ? [removal === null ? '' : REMOVALS[removal.type]] : []),
    uploadId === null ? uri : `${uri} (upload ${uploadId})`,
  ];
}

const KINDS: Readonly<Record<FoundOrphan['kind'], string>> = {
  data: 'data',
  publishing: 'publishing',
  kept: 'kept copy',
  rows: 'rows',
  sideObject: 'side object',
  upload: 'upload',
};

const REMOVALS: Readonly<Record<NonNullable<FoundOrphan['removal']>['type'], string>> = {
  removed: 'removed',
  spared: 'spared',
  failed: 'not removed',
};

function makerText({ madeBy: { epoch, owner, at } }: FoundOrphan): string {
  return `epoch ${epoch}${owner === null ? '' : ` (${owner})`} at ${at}`;
}

function failureLines({ uri, removal }: FoundOrphan): string[] {
  return removal?.type === 'failed' ? [`${uri} was not removed (${removal.code}): ${removal.message}`] : [];
}

function restLines({ needed, withheld, unknown, others, notListed }: OrphansOutcome): string[] {
  return [
    ...(needed.count === 0
      ? []
      : [
          `${formatNoun(needed.count, 'name')} of files that are not published yet ` +
            `(${formatBytes(needed.bytes)})`,
        ]),
    ...withheld.map(
      ({ partition, code, count, bytes }) =>
        `${formatNoun(count, 'name')} of ${partition}, which is stopped (${code}), left alone: ` +
        formatBytes(bytes),
    ),
    ...(unknown.count === 0
      ? []
      : [
          `${formatNoun(unknown.count, 'name')} that this job's journal does not hold, left alone: ` +
            `${formatBytes(unknown.bytes)}; of another job, or of a journal that is lost`,
        ]),
    ...(others === 0 ? [] : [`${formatNoun(others, 'name')} that only begin like Tidemark's, left alone`]),
    ...notListed.map(({ uri, message }) => `not listed: ${uri}: ${message}`),
  ];
}
