/** `tidemark plan` for people. Offsets have no separators, so that they can be copied into a command. */
import type { EndCause } from '../plan/expectedFiles.ts';
import type { PartitionPlan, PlanReport, StartReason, TopicPlan } from '../plan/planReport.ts';
import { formatBytes, formatCount, formatDuration, formatNoun } from '../telemetry/format.ts';
import { left, right, tableLines } from './table.ts';

const START_WORDS: Readonly<Record<StartReason, string>> = {
  journal: 'where the journal is',
  started: 'as at the first start',
  added: 'added later: at 0',
  startFrom: 'by startFrom',
  unknown: 'the journal does not answer',
};

const END_WORDS: Readonly<Record<EndCause, string>> = {
  size: 'roll.maxBytes',
  records: 'roll.maxRecords',
  age: 'roll.maxAge',
  idle: 'roll.maxIdle',
  bucket: "their folder's time",
};

export function planText(report: PlanReport): string {
  const { topics, findings, advice } = report;
  const partitions = topics.flatMap((topic) => topic.partitions);
  const blocks = [
    headLines(report),
    partitions.length === 0 ? ['no partition was found'] : partitionTable(partitions),
    topics.flatMap(badLines),
    pathLines(report),
    topics.length === 0 ? [] : rateTable(topics),
    topics.length === 0 ? [] : fileTable(topics),
    memoryLines(report),
    findings.map((finding) => `finding: ${finding}`),
    advice.map((each) => `note: ${each}`),
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => `${line}\n`).join(''))
    .join('\n');
}

function headLines(report: PlanReport): string[] {
  const { job, source, bucket, roll, isFirstStart, startFrom, laterTopics } = report;
  const begins =
    isFirstStart === null
      ? 'not known'
      : isFirstStart
        ? `first start, from ${startFrom}`
        : 'a later start, where the journal is';
  const facts: readonly (readonly [string, string])[] = [
    ['source', source],
    ['destination', destinationText(report)],
    ['journal', journalText(report)],
    ['begins', begins],
    ['later', `a partition added to a topic: offset 0; a topic that appears: ${laterTopics}`],
    ['bucket', bucket],
    ['roll', roll.join(', or ')],
  ];
  return [`job ${job}`, ...facts.map(([name, fact]) => `  ${name.padEnd(11)}  ${fact}`)];
}

function destinationText({ destination }: PlanReport): string {
  const { kind, uri, format } = destination;
  const place = `${kind} ${uri} · ${format}`;
  switch (destination.marker) {
    case 'notReached':
      return `${place} · not reached: ${destination.message}`;
    case 'none':
      return `${place} · no marker yet`;
    case 'own':
      return `${place} · marker of this job`;
    case 'other':
      return `${place} · marker of another journal`;
    case 'unknown':
      return `${place} · there is a marker`;
  }
}

function journalText({ journal }: PlanReport): string {
  const place = `${journal.kind} ${journal.location}`;
  switch (journal.state) {
    case 'none':
      return `${place} · none yet`;
    case 'found':
      return `${place} · id ${journal.id} · ${formatNoun(journal.starts, 'start')}`;
    case 'notReached':
      return `${place} · not reached: ${journal.message}`;
  }
}

function partitionTable(partitions: readonly PartitionPlan[]): string[] {
  const columns = [
    left('PARTITION'),
    right('LOG START'),
    right('LOG END'),
    right('BEGINS AT'),
    right('BEHIND'),
    right('SAMPLED'),
    right('BAD'),
    right('FOLDERS'),
    left('WHY THERE'),
  ];
  const rows = partitions.map((each) => [
    `${each.topic}/${each.partition}`,
    String(each.logStart),
    String(each.logEnd),
    each.start === null ? '-' : String(each.start),
    each.behind === null ? '-' : String(each.behind),
    formatCount(each.sample.records),
    formatCount(each.sample.bad.reduce((sum, { records }) => sum + records, 0)),
    formatCount(each.sample.buckets),
    START_WORDS[each.startReason],
  ]);
  return tableLines(columns, rows);
}

function badLines({ partitions }: TopicPlan): string[] {
  return partitions.flatMap(({ topic, partition, sample }) =>
    sample.bad.map(
      ({ reason, records, firstOffset }) =>
        `bad: ${formatNoun(records, 'sampled record')} of ${topic}/${partition}: ${reason}, ` +
        `first at offset ${firstOffset}`,
    ),
  );
}

function pathLines({ topics, entropy }: PlanReport): string[] {
  const paths = topics.flatMap(({ topic, paths: of }) =>
    of.map(({ partition, offset, uri }) => [`${topic}/${partition}@${offset}`, uri]),
  );
  if (paths.length === 0) return [];
  const drawn =
    entropy === null
      ? []
      : [`each ? is one of ${entropy.length} letters or digits, drawn when a file is opened`];
  return [...tableLines([left('A RECORD'), left('WOULD BEGIN THE FILE')], paths), ...drawn];
}

function rateTable(topics: readonly TopicPlan[]): string[] {
  const columns = [
    left('TOPIC'),
    right('RECORDS'),
    right('READ'),
    right('WRITTEN'),
    right('A RECORD'),
    right('IN A FILE'),
    left('MEASURED OVER'),
  ];
  const rows = topics.map(({ topic, rate, record }) => {
    const { recordsPerSecond } = rate;
    const perSecond = (bytes: number | undefined): string =>
      recordsPerSecond === null || bytes === undefined ? '-' : flowText(recordsPerSecond * bytes);
    return [
      topic,
      recordsPerSecond === null ? 'unknown' : paceText(recordsPerSecond),
      perSecond(record?.sourceBytes),
      perSecond(record?.fileBytes),
      sizeText(record?.sourceBytes),
      sizeText(record?.fileBytes),
      windowText(rate),
    ];
  });
  return tableLines(columns, rows);
}

function windowText({ basis, windowMs, why, unknownPartitions }: TopicPlan['rate']): string {
  if (windowMs === null) return why ?? '';
  const unknown =
    unknownPartitions === 0 ? '' : `; of ${formatNoun(unknownPartitions, 'partition')} it is unknown`;
  return basis === 'lastHour'
    ? `the last hour${unknown}`
    : `${formatDuration(windowMs)} of samples${unknown}`;
}

function fileTable(topics: readonly TopicPlan[]): string[] {
  const columns = [
    left('TOPIC'),
    right('FILES'),
    right('MEDIAN SIZE'),
    right('RECORDS'),
    right('OPEN'),
    right('FOLDERS'),
    left('ENDED BY'),
    right('TO BE READ FIRST'),
  ];
  const rows = topics.map(({ topic, files, buckets, backlog }) => [
    topic,
    files === null ? 'unknown' : `${formatRate(files.perHour)} an hour`,
    files === null ? '-' : formatBytes(Math.round(files.medianBytes)),
    files === null ? '-' : formatRate(files.medianRecords),
    files === null ? '-' : formatCount(files.open),
    formatCount(buckets),
    files === null ? '-' : END_WORDS[files.endedBy],
    backlog === null
      ? '-'
      : `${formatCount(backlog.records)} (${formatBytes(Math.round(backlog.fileBytes))})`,
  ]);
  return tableLines(columns, rows);
}

function memoryLines({ memory, checkpoint }: PlanReport): string[] {
  const { ceilingBytes, isSet, takenBytes, leastBytes, shares, filesMax, filesOpen, rowGroup, peakBytes } =
    memory;
  const ceiling = `${formatBytes(ceilingBytes)}${isSet ? '' : ' (default)'}`;
  const facts: (readonly [string, string])[] =
    shares === null
      ? [['memory', `${ceiling}: too little, at least ${formatBytes(leastBytes)} are needed`]]
      : [
          ['memory', `${ceiling}, about ${formatBytes(peakBytes)} used`],
          [
            '',
            `${formatBytes(takenBytes)} program and store, ${formatBytes(shares.fetchBytes)} fetches, ` +
              `${formatBytes(shares.writeBytes)} write buffers`,
          ],
          ['files', `${formatCount(filesOpen)} open expected, ${formatCount(filesMax)} allowed`],
        ];
  if (rowGroup !== null)
    facts.push([
      'row group',
      `${formatBytes(rowGroup.expectedBytes)} of memory` +
        (rowGroup.rows === null ? '' : `, about ${formatNoun(rowGroup.rows, 'row')}`) +
        `; ${formatBytes(rowGroup.leastBytes)} if ${formatCount(filesMax)} files are open`,
    ]);
  facts.push(['checkpoint', checkpointText(checkpoint)]);
  return facts.map(([name, fact]) => `${name.padEnd(10)}  ${fact}`);
}

function checkpointText({ intervalMs, recordsAgain, bytesAgain }: PlanReport['checkpoint']): string {
  const every = `every ${formatDuration(intervalMs)}`;
  if (recordsAgain === null || bytesAgain === null) return every;
  return (
    `${every}; after a crash about ${formatNoun(Math.ceil(recordsAgain), 'record')} ` +
    `(${formatBytes(Math.round(bytesAgain))}) read again`
  );
}

const sizeText = (bytes: number | undefined): string =>
  bytes === undefined ? '-' : formatBytes(Math.round(bytes));

const HOUR_S = 3_600;

/** `340 a second`, or `12 an hour` if few come. */
function paceText(perSecond: number): string {
  return perSecond >= 1 ? `${formatRate(perSecond)} a second` : `${formatRate(perSecond * HOUR_S)} an hour`;
}

function flowText(bytesPerSecond: number): string {
  return bytesPerSecond >= 1024
    ? `${formatBytes(bytesPerSecond)}/s`
    : `${formatBytes(Math.round(bytesPerSecond * HOUR_S))}/h`;
}

/** `1,707`, `12`, `0.3`. */
function formatRate(count: number): string {
  if (count >= 10) return formatCount(Math.round(count));
  return count < 0.01 && count > 0 ? '< 0.01' : String(Number(count.toPrecision(2)));
}
