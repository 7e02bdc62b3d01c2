/** What `tidemark fuzz --from-journal` says of the stretch, and of what the world makes of it. */
import type { EntryNamed, HistoryReport } from '../../sim/report.ts';
import { scheduleWords } from '../../sim/scheduleWords.ts';
import { formatCount } from '../telemetry/format.ts';

export function historyLines(history: HistoryReport): string[] {
  const { partition, from, to, around, likeness, notes, stages, schedule, fired } = history;
  const compared = likeness.map(({ event, stretch, world }) => `${event} ${stretch} / ${world}`);
  return [
    `  partition ${partition}, entries ${from.seq} to ${to.seq} (${from.at} to ${to.at})`,
    `  around ${entryText(around)}`,
    `  tried: ${stages.map(stageText).join('; ')}`,
    `  journaled in the stretch / in the world: ${compared.join(', ')}`,
    ...notes.map((note) => `  not as it happened: ${note}`),
    '  as it happened:',
    ...scheduleWords(schedule, fired).map((line) => `    ${line}`),
  ];
}

function entryText({ seq, at, events }: EntryNamed): string {
  return `entry ${seq} of ${at}: ${events.join(', ')}`;
}

function stageText({ what, schedules }: HistoryReport['stages'][number]): string {
  return what === 'as it happened' ? 'as it happened' : `${formatCount(schedules)} ${what}`;
}
