/** Facts about the job's topics, as soon as brokers answer. A missing topic does not delay the others. */
import { TidemarkError } from '../../../journal/errors.ts';
import type { SourceFacts, TopicFacts } from '../port.ts';
import type { FetcherContext } from './fetcher.ts';
import type { Identity } from './log/identity.ts';
import { isAuthenticationFailure } from './client/errors.ts';
import {
  abortError,
  authenticationError,
  KAFKA_CODE,
  reasonOf,
  securityHint,
  unavailableError,
} from './errors.ts';
import type { ClusterMetadata } from './wire/metadata.ts';
import { pauseUnless } from '../../system/pacing.ts';
import type { Brokers } from './brokers.ts';
import type { KnownTopics } from './knownTopics.ts';
import type { AskContext } from './questions.ts';

export interface DescribeOptions {
  readonly wait: boolean;
  readonly onWaiting: (message: string) => void;
  readonly signal: AbortSignal;
}

/** Without waiting, a broker that is starting still gets this many tries. */
const TRIES_WITHOUT_WAIT = 3;

type Finding =
  | {
      readonly type: 'found';
      readonly metadata: ClusterMetadata;
      readonly topics: readonly string[];
      readonly missing: readonly string[];
    }
  | { readonly type: 'leaderless'; readonly topics: readonly string[] }
  | { readonly type: 'unavailable'; readonly error: unknown };

type Obstacle = Exclude<Finding, { type: 'found' }>;

type LookContext = FetcherContext &
  AskContext & { readonly brokers: Pick<Brokers, 'everyTopic'>; readonly known: KnownTopics };

export async function describeTopics(
  context: LookContext & { readonly groupId: string },
  identity: Identity,
  options: DescribeOptions,
): Promise<SourceFacts> {
  const { clock, tuning, groupId, known, addresses } = context;
  const signal = AbortSignal.any([options.signal, context.signal]);
  let told = '';
  for (let tries = 1; ; tries += 1) {
    if (signal.aborted) throw abortError('The Kafka source');
    const finding = await look(context);
    if (finding.type === 'found') {
      identity.checkCluster(finding.metadata);
      const { missing } = finding;
      const unmatched = known.unmatched();
      if (missing.length + unmatched.length > 0) options.onWaiting(missingMessage(missing, unmatched));
      return { ...factsOf(finding, known, groupId), missing, unmatched };
    }
    if (!options.wait && tries >= TRIES_WITHOUT_WAIT) throw refusal(finding, addresses);
    if (options.wait && told !== waitingFor(finding, addresses)) {
      told = waitingFor(finding, addresses);
      options.onWaiting(told);
    }
    await pauseUnless(signal, clock, options.wait ? tuning.pollMs : Math.min(tuning.pollMs, 300));
  }
}

async function look({ brokers, addresses, known }: LookContext): Promise<Finding> {
  let metadata: ClusterMetadata;
  try {
    await known.refresh(brokers);
    metadata = await brokers.metadata(known.list());
  } catch (error) {
    if (isAuthenticationFailure(error)) throw authenticationError(error, addresses);
    if (error instanceof TidemarkError) throw error;
    return { type: 'unavailable', error };
  }
  const names = known.list();
  const codeOf = (name: string): number =>
    metadata.topics.find(({ topic }) => topic === name)?.errorCode ?? KAFKA_CODE.unknownTopicOrPartition;
  const refused = names.filter((name) => codeOf(name) === KAFKA_CODE.topicAuthorizationFailed);
  if (refused.length > 0)
    throw authenticationError(new Error(`no access to topic ${refused.join(', ')}`), addresses);
  const gone: readonly number[] = [KAFKA_CODE.unknownTopicOrPartition, KAFKA_CODE.invalidTopic];
  const there = names.filter((name) => !gone.includes(codeOf(name)));
  // What a pattern has found may be deleted meanwhile: nobody waits for it.
  const missing = names.filter((name) => !there.includes(name) && !known.isMatched(name));
  const topics = there;
  const leaderless = topics.filter((name) => codeOf(name) !== KAFKA_CODE.none);
  return leaderless.length > 0
    ? { type: 'leaderless', topics: leaderless }
    : { type: 'found', metadata, topics, missing };
}

/** @param unmatched patterns that match no topic. */
export function missingMessage(topics: readonly string[], unmatched: readonly string[] = []): string {
  const parts = [
    ...(topics.length === 0 ? [] : [`the topics ${topics.join(', ')}, which do not exist`]),
    ...(unmatched.length === 0 ? [] : [`a topic that matches ${unmatched.join(', ')}`]),
  ];
  return `Waiting for ${parts.join(', and for ')}; Tidemark never creates one. All others are read.`;
}

function waitingFor(finding: Obstacle, addresses: readonly string[]): string {
  switch (finding.type) {
    case 'leaderless':
      return `Waiting for the topics ${finding.topics.join(', ')} to get leaders.`;
    case 'unavailable':
      return (
        `Waiting for Kafka at ${addresses.join(', ')}: ` +
        `${reasonOf(finding.error)}.${securityHint(finding.error)}`
      );
  }
}

function refusal(finding: Obstacle, addresses: readonly string[]): TidemarkError {
  switch (finding.type) {
    case 'leaderless':
      return unavailableError(new Error(`no leader for ${finding.topics.join(', ')}`), addresses, 'topics');
    case 'unavailable':
      return unavailableError(finding.error, addresses, 'topics');
  }
}

/** Facts of those of the topics that exist. */
export async function topicFacts(
  { brokers, known }: LookContext,
  names: readonly string[],
): Promise<readonly TopicFacts[]> {
  const metadata = await brokers.metadata(names);
  const found = metadata.topics.filter(({ errorCode }) => errorCode === KAFKA_CODE.none);
  const topics = found.map(({ topic }) => topic);
  return factsOf({ metadata, topics }, known, '').topics;
}

function factsOf(
  { metadata, topics: names }: { readonly metadata: ClusterMetadata; readonly topics: readonly string[] },
  known: KnownTopics,
  groupId: string,
): SourceFacts {
  const topics: TopicFacts[] = names.map((name) => {
    const found = metadata.topics.find(({ topic }) => topic === name);
    const facts = { topic: name, topicId: found?.topicId ?? null, partitions: found?.partitions.length ?? 0 };
    return known.isMatched(name) ? { ...facts, isMatched: true } : facts;
  });
  return { clusterId: metadata.clusterId, groupId, topics };
}
