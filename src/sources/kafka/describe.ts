/** Facts about the job's topics, as soon as brokers answer. A missing topic does not delay the others. */
import { TidemarkError } from '../../../journal/errors.ts';
import type { SourceFacts, TopicFacts } from '../port.ts';
import type { FetcherContext } from './fetcher.ts';
import type { Identity } from './log/identity.ts';
import {
  abortError,
  authenticationError,
  isAuthenticationFailure,
  KAFKA_CODE,
  reasonOf,
  securityHint,
  unavailableError,
} from './errors.ts';
import type { ClusterMetadata } from './protocol/metadata.ts';
import { pauseUnless } from '../../system/pacing.ts';
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

export async function describeTopics(
  context: FetcherContext & AskContext & { readonly topics: readonly string[]; readonly groupId: string },
  identity: Identity,
  options: DescribeOptions,
): Promise<SourceFacts> {
  const { clock, tuning, groupId, topics, addresses } = context;
  const signal = AbortSignal.any([options.signal, context.signal]);
  let told = '';
  for (let tries = 1; ; tries += 1) {
    if (signal.aborted) throw abortError('The Kafka source');
    const finding = await look(context, topics);
    if (finding.type === 'found') {
      identity.checkCluster(finding.metadata);
      const { missing } = finding;
      if (missing.length > 0) options.onWaiting(missingMessage(missing));
      return { ...factsOf(finding.metadata, finding.topics, groupId), missing };
    }
    if (!options.wait && tries >= TRIES_WITHOUT_WAIT) throw refusal(finding, addresses);
    if (options.wait && told !== waitingFor(finding, addresses)) {
      told = waitingFor(finding, addresses);
      options.onWaiting(told);
    }
    await pauseUnless(signal, clock, options.wait ? tuning.pollMs : Math.min(tuning.pollMs, 300));
  }
}

async function look(
  { brokers, addresses }: FetcherContext & AskContext,
  names: readonly string[],
): Promise<Finding> {
  let metadata: ClusterMetadata;
  try {
    metadata = await brokers.metadata(names);
  } catch (error) {
    if (isAuthenticationFailure(error)) throw authenticationError(error, addresses);
    if (error instanceof TidemarkError) throw error;
    return { type: 'unavailable', error };
  }
  const codeOf = (name: string): number =>
    metadata.topics.find(({ topic }) => topic === name)?.errorCode ?? KAFKA_CODE.unknownTopicOrPartition;
  const refused = names.filter((name) => codeOf(name) === KAFKA_CODE.topicAuthorizationFailed);
  if (refused.length > 0)
    throw authenticationError(new Error(`no access to topic ${refused.join(', ')}`), addresses);
  const gone: readonly number[] = [KAFKA_CODE.unknownTopicOrPartition, KAFKA_CODE.invalidTopic];
  const missing = names.filter((name) => gone.includes(codeOf(name)));
  const topics = names.filter((name) => !missing.includes(name));
  const leaderless = topics.filter((name) => codeOf(name) !== KAFKA_CODE.none);
  return leaderless.length > 0
    ? { type: 'leaderless', topics: leaderless }
    : { type: 'found', metadata, topics, missing };
}

export function missingMessage(topics: readonly string[]): string {
  return (
    `Waiting for the topics ${topics.join(', ')}, which do not exist; Tidemark never creates one. All ` +
    'others are read.'
  );
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
  { brokers }: FetcherContext & AskContext,
  names: readonly string[],
): Promise<readonly TopicFacts[]> {
  const metadata = await brokers.metadata(names);
  const found = metadata.topics.filter(({ errorCode }) => errorCode === KAFKA_CODE.none);
  return factsOf(
    metadata,
    found.map(({ topic }) => topic),
    '',
  ).topics;
}

function factsOf(metadata: ClusterMetadata, names: readonly string[], groupId: string): SourceFacts {
  const topics: TopicFacts[] = names.map((name) => {
    const found = metadata.topics.find(({ topic }) => topic === name);
    return { topic: name, topicId: found?.topicId ?? null, partitions: found?.partitions.length ?? 0 };
  });
  return { clusterId: metadata.clusterId, groupId, topics };
}
