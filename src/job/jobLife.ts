/**
 * The job's own subject in the journal: its identity (group, cluster, topics) and the start offsets of its
 * topics. Start offsets are chosen once, by the first jobStarted that names a topic. Partitions added to the
 * topic later start at 0.
 */
import { isFenced, TidemarkError } from '../../journal/errors.ts';
import { JournalFailure } from '../../journal/failure.ts';
import { isJobEvent, type EventOf, type JobEvent, type JsonValue } from '../../journal/events.ts';
import { claimId } from '../../journal/ids.ts';
import { EMPTY_TAIL, replay, type Tail } from '../../journal/replay.ts';
import { jobSubject } from '../../journal/subjects.ts';
import { SubjectWriter } from '../../journal/writer.ts';
import { passing } from '../system/failpoints.ts';
import { isSourceFailure, type SourceFailure } from '../sources/failure.ts';
import { tellsMore } from '../sources/fileId.ts';
import type { SourceFacts, StartFrom, TopicFacts } from '../sources/port.ts';
import { limitedAppend } from './appendLimit.ts';
import { AppendRetries } from './appendRetries.ts';
import type { Context } from './context.ts';
import { isLeftOut, startOf } from './topicStart.ts';

export interface JournaledTopic {
  readonly topicId: string | null;
  readonly startOffsets: readonly bigint[];
}

/** State folded from the job's subject. */
export class JobFacts {
  groupId: string | null = null;
  clusterId: string | null = null;
  /** Of the last start. Null if a journal of format 1 does not record it. */
  sinkUri: string | null = null;
  /** Sinks in which a marker was created. */
  readonly markers = new Set<string>();
  /** Name prefixes of part files, from the configuration of every start. */
  readonly prefixes = new Set<string>();
  started = 0;
  readonly topics = new Map<string, JournaledTopic>();

  fold(event: JobEvent): void {
    if (event.type === 'markerMade') this.markers.add(event.sink);
    if (event.type !== 'jobStarted') return;
    this.started += 1;
    this.sinkUri = event.sinkUri ?? this.sinkUri;
    const prefix = prefixIn(event.config);
    if (prefix !== null) this.prefixes.add(prefix);
    if (event.moved.includes('group')) this.groupId = event.groupId;
    this.groupId ??= event.groupId;
    this.clusterId ??= event.clusterId;
    for (const { topic, topicId, startOffsets } of event.topics) {
      // The first start that names a topic sets its offsets. An id that was unknown at first may follow.
      const known = this.topics.get(topic);
      const before = known?.topicId ?? null;
      const isMore = before !== null && topicId !== null && tellsMore(topicId, before);
      this.topics.set(topic, {
        topicId: isMore ? topicId : (before ?? topicId),
        startOffsets: known?.startOffsets ?? startOffsets,
      });
    }
  }
}

/** Null if the start does not record its configuration. */
function prefixIn(config: EventOf<'jobStarted'>['config']): string | null {
  const sink = isObject(config) ? config['sink'] : null;
  const prefix = isObject(sink) ? sink['prefix'] : null;
  return typeof prefix === 'string' ? prefix : null;
}

function isObject(value: JsonValue | undefined): value is Readonly<Record<string, JsonValue>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads the job's subject. A missing subject gives empty facts. */
export async function readJobFacts({
  ports,
  settings,
}: {
  readonly ports: Pick<Context['ports'], 'journal'>;
  readonly settings: Pick<Context['settings'], 'job'>;
}): Promise<{ readonly facts: JobFacts; readonly tail: Tail }> {
  const facts = new JobFacts();
  let tail = EMPTY_TAIL;
  for await (const replayed of replay(ports.journal, jobSubject(settings.job))) {
    for (const event of replayed.entry.events) {
      if (!isJobEvent(event)) {
        throw new JournalFailure(
          'corrupt',
          `The job's subject holds the event "${event.type}", which is a partition's.`,
        );
      }
      facts.fold(event);
    }
    tail = replayed.tail;
  }
  return { facts, tail };
}

export interface StartedJob {
  readonly facts: JobFacts;
  /** Topics that are not read for now, and why: they have no start offsets. */
  readonly left: ReadonlyMap<string, SourceFailure>;
}

/**
 * Journals this start, with start offsets for topics that the journal does not know. Several coordinators may
 * start at once: on a conflict the subject is read again. Rejects with GROUP_CHANGED or SINK_CHANGED if the
 * journaled group or sink differs and the operator has not allowed the move.
 */
export function startJob(context: Context, source: SourceFacts, signal?: AbortSignal): Promise<StartedJob> {
  return journalStart(context, source, 'start', signal);
}

/** The same for topics that have appeared since the start. Without news of them it journals nothing. */
export function takeUpTopics(context: Context, source: SourceFacts): Promise<StartedJob> {
  return journalStart(context, source, 'topics');
}

async function journalStart(
  context: Context,
  source: SourceFacts,
  what: 'start' | 'topics',
  signal?: AbortSignal,
): Promise<StartedJob> {
  let left: StartedJob['left'] = new Map();
  const decide = async (facts: JobFacts): Promise<JobEvent | null> => {
    const moved = movedBy(context, facts, source);
    const starts = await topicStarts(context, source, facts);
    left = starts.left;
    const { topics } = starts;
    if (what === 'topics' && topics.length === 0) return null;
    const { fingerprint, version, naming, effectiveConfig } = context.settings;
    return {
      ...{ type: 'jobStarted', fingerprint, version, topics },
      ...{ groupId: source.groupId, clusterId: source.clusterId },
      ...{ sinkUri: naming.sinkUri, config: effectiveConfig, moved },
    };
  };
  const facts = await appendJobEvent(context, decide, signal);
  leaveOut(context, left);
  return { facts, left };
}

type TopicStarts = Pick<StartedJob, 'left'> & Pick<EventOf<'jobStarted'>, 'topics'>;

/** What is to be journaled of the source's topics. */
async function topicStarts(context: Context, source: SourceFacts, facts: JobFacts): Promise<TopicStarts> {
  const isFirst = facts.started === 0;
  const topics: TopicStarts['topics'] = [];
  const left = new Map<string, SourceFailure>();
  for (const topic of source.topics) {
    const known = facts.topics.get(topic.topic);
    if (known !== undefined && !(await isNews(context, topic, known))) continue;
    try {
      const startFrom = startOf(context.settings.startFrom, topic, isFirst);
      topics.push(await describeStart(context, topic, known, startFrom));
    } catch (error) {
      if (!isLeftOut(error, topic, isFirst)) throw error;
      left.set(topic.topic, error);
    }
  }
  // If nothing answers at the first start, none of its topics is to count as found later.
  const silent = [...left.values()].find((error) => isSourceFailure(error, 'unavailable'));
  if (isFirst && topics.length === 0 && silent !== undefined) throw silent;
  return { topics, left };
}

function leaveOut({ ports, settings }: Context, left: StartedJob['left']): void {
  const until = settings.untilEnd ? 'of this run' : 'until the next look for topics';
  for (const [topic, error] of left) {
    const message = `${error.message} Topic ${topic} is left out ${until}; all others are read.`;
    ports.log.warn({ topic, err: error }, message);
    ports.source.leaveOut?.(topic);
  }
}

/** Whether to journal the source's id of a journaled topic: its first, or a more complete one. */
async function isNews(
  { ports }: Context,
  { topic, topicId }: TopicFacts,
  known: JournaledTopic,
): Promise<boolean> {
  if (topicId === null) return false;
  if (known.topicId === null) return true;
  if (!tellsMore(topicId, known.topicId)) return false;
  try {
    await ports.source.verifyIdentity(topic, known.topicId);
    return true;
  } catch (error) {
    // Its partition stops with the same error, or retries.
    ports.log.debug({ topic, err: error }, 'the id of a source file is left as it is journaled');
    return false;
  }
}

/** Checks the journal before anything is created at the destination. Rejects as `startJob` does. */
export async function checkJob(context: Context, source: SourceFacts): Promise<void> {
  const { facts } = await readJobFacts(context);
  movedBy(context, facts, source);
}

type Moved = EventOf<'jobStarted'>['moved'];

/** What this start changes in the job, with the operator's permission. */
function movedBy({ settings, ports }: Context, facts: JobFacts, source: SourceFacts): Moved {
  const { job, naming, moves = [] } = settings;
  const moved: Moved = [];
  if (facts.started > 0 && facts.groupId !== source.groupId) {
    const [before, now] = [facts.groupId ?? '-', source.groupId ?? '-'];
    if (!moves.includes('group')) {
      throw new TidemarkError(
        'GROUP_CHANGED',
        `The job "${job}" was started with group "${before}" and is now configured with "${now}": set it ` +
          'back, choose another job name, or say --move-group once all its coordinators are stopped.',
      );
    }
    ports.log.warn({ before, now }, `the job moves from group "${before}" to "${now}"`);
    moved.push('group');
  }
  if (facts.sinkUri !== null && facts.sinkUri !== naming.sinkUri) {
    const [before, now] = [facts.sinkUri, naming.sinkUri];
    if (!moves.includes('sink')) {
      throw new TidemarkError(
        'SINK_CHANGED',
        `The job "${job}" writes to ${before} and is now configured with ${now}. If that is another job, ` +
          'give it another name; if the job is to continue there, say --move-sink once all its ' +
          'coordinators are stopped.',
        { fields: { journaledSinkUri: before, sinkUri: now } },
      );
    }
    ports.log.warn(
      { before, now },
      `the job moves from ${before} to ${now}; files that are open are published where they are`,
    );
    moved.push('sink');
  }
  return moved;
}

async function describeStart(
  { ports }: Context,
  topic: TopicFacts,
  known: JournaledTopic | undefined,
  startFrom: StartFrom,
) {
  const startOffsets = known?.startOffsets ?? (await ports.source.startOffsets(topic.topic, startFrom));
  return { topic: topic.topic, topicId: topic.topicId, startOffsets: [...startOffsets] };
}

/** Journals, once per sink, that its marker was created. */
export async function journalMarker(context: Context, sink: string): Promise<void> {
  await appendJobEvent(context, (facts) =>
    Promise.resolve(facts.markers.has(sink) ? null : { type: 'markerMade', sink }),
  );
}

/** Journals the end of this process's part in the job. */
export async function stopJob(
  context: Context,
  reason: EventOf<'jobStopped'>['reason'],
  signal: AbortSignal,
): Promise<void> {
  await appendJobEvent(context, () => Promise.resolve({ type: 'jobStopped', reason }), signal);
}

async function appendJobEvent(
  context: Context,
  /** Null if there is nothing to journal. */
  decide: (facts: JobFacts) => Promise<JobEvent | null>,
  signal?: AbortSignal,
): Promise<JobFacts> {
  const { journal, clock, random, failpoints } = context.ports;
  const { job } = context.settings;
  const identity = { job, topic: '', partition: -1, epoch: 0, claimId: claimId(random.hexId()) };
  for (;;) {
    const { facts, tail } = await readJobFacts(context);
    const event = await decide(facts);
    if (event === null) return facts;
    const retries = new AppendRetries(context, jobSubject(job), 'the job');
    const writer = new SubjectWriter(
      {
        journal,
        subject: jobSubject(job),
        pacer: clock,
        timestamp: () => new Date(clock.wallMs()).toISOString(),
        ...retries.options,
      },
      tail,
    );
    try {
      const point = `journal.${event.type}` as const;
      await retries.during(
        passing(failpoints, point, () =>
          limitedAppend(context, signal, (limited) => writer.append(identity, [event], limited)),
        ),
      );
      facts.fold(event);
      return facts;
    } catch (error) {
      if (!isFenced(error)) throw error;
    }
  }
}
