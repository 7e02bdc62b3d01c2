/** Other readers of this job's topics: refused if they take its records or keep a bounded run from ending. */
import { TidemarkError } from '../../journal/errors.ts';
import type { GroupMember, SourceFacts } from '../sources/port.ts';
import type { Context } from '../job/context.ts';

/**
 * Call before the group is joined. Rejects with GROUP_IN_USE if members of another job read the same topics
 * in the group. For a bounded run, also rejects if the group has members that do not end by themselves.
 */
export async function checkOthers({ ports, settings }: Context, source: SourceFacts): Promise<void> {
  const { job, untilEnd } = settings;
  const isLasting = ({ isBounded }: GroupMember): boolean => !isBounded;
  const others = (await ports.source.others?.((member) => untilEnd && isLasting(member))) ?? [];
  const group = source.groupId ?? '-';
  const foreign = others.filter((member) => member.job !== null && member.job !== job);
  const own = new Set([...source.topics.map(({ topic }) => topic), ...(source.missing ?? [])]);
  const rivals = foreign.filter(({ topics }) => topics.some((topic) => own.has(topic)));
  if (rivals.length > 0) {
    throw inUse(
      rivals,
      `Group ${group} is used by ${jobsOf(rivals)}, which reads the same topics: each record would go to ` +
        'one of the two jobs only. Give this job a groupId of its own',
    );
  }
  if (foreign.length > 0) {
    const members = foreign.map(({ name }) => name);
    ports.log.warn(
      { groupId: group, members },
      `Group ${group} is used by ${jobsOf(foreign)} as well: a groupId of its own keeps rebalances of ` +
        'one job from the other.',
    );
  }
  const lasting = others.filter(isLasting);
  if (untilEnd && lasting.length > 0) {
    throw inUse(
      lasting,
      `Group ${group} has members that do not end by themselves, and they have partitions that ` +
        '--until-end is to read: stop them, or leave the topics to them',
    );
  }
}

function inUse(members: readonly GroupMember[], message: string): TidemarkError {
  const names = members.map(({ name }) => name);
  return new TidemarkError('GROUP_IN_USE', `${message}. The members: ${names.join(', ')}.`, {
    fields: { members: names },
  });
}

function jobsOf(members: readonly GroupMember[]): string {
  const jobs = [...new Set(members.map(({ job }) => `"${job ?? ''}"`))].toSorted();
  return `${jobs.length === 1 ? 'job' : 'the jobs'} ${jobs.join(', ')}`;
}
