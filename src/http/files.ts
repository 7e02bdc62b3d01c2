/** `/v1/files`: files that this coordinator has in hand, and the last ones that it committed. */
import type { PartFileView } from '../../actors/ledger.ts';
import type { TopicPartition } from '../../journal/ids.ts';
import type { Coordinator } from '../run/coordinator.ts';
import type { RecentFile } from '../telemetry/runCounts.ts';
import { HttpProblem } from './problem.ts';

const STATES = ['open', 'inProgress', 'pending', 'discarding', 'committed'] as const;
const LISTED_DEFAULT = 100;
const LISTED_MAX = 10_000;

export interface FileFilter {
  readonly topic: string | null;
  readonly partition: number | null;
  readonly state: (typeof STATES)[number] | null;
  readonly limit: number;
}

/** Throws BAD_REQUEST. */
export function fileFilterOf(query: URLSearchParams): FileFilter {
  const asked = query.get('state');
  const state = STATES.find((each) => each === asked) ?? null;
  if (asked !== null && state === null)
    throw new HttpProblem('BAD_REQUEST', `state: expected one of ${STATES.join(', ')}.`);
  const limit = numberOf(query, 'limit') ?? LISTED_DEFAULT;
  if (limit < 1 || limit > LISTED_MAX)
    throw new HttpProblem('BAD_REQUEST', `limit: expected a number from 1 to ${LISTED_MAX}.`);
  return { topic: query.get('topic'), partition: numberOf(query, 'partition'), state, limit };
}

/** Null if it is not given. Throws BAD_REQUEST. */
export function numberOf(query: URLSearchParams, key: string): number | null {
  const text = query.get(key);
  if (text === null) return null;
  if (!/^\d{1,9}$/.test(text)) throw new HttpProblem('BAD_REQUEST', `${key}: expected a whole number.`);
  return Number(text);
}

/** Committed ones last, the newest first. `left` counts those over the limit. */
export function filesOf(coordinator: Coordinator, filter: FileFilter) {
  const found = [...inHand(coordinator, filter), ...committed(coordinator, filter)];
  const files = found.slice(0, filter.limit);
  return { files, left: found.length - files.length };
}

function* inHand(coordinator: Coordinator, filter: FileFilter) {
  for (const { task, epoch } of coordinator.runners()) {
    if (epoch === null || !isWanted(task.partition, filter)) continue;
    for (const part of epoch.claim.host.ledger.parts())
      if (filter.state === null || filter.state === part.status) yield partOf(task.partition, part);
  }
}

function partOf(partition: TopicPartition, { status, context }: PartFileView) {
  const { bucket, finalUri, durable, firstOffset, openedAtMs, roll } = context;
  return {
    ...{ ...partition, state: status, bucket, uri: finalUri },
    ...{ records: durable?.records ?? 0, bytes: durable?.length ?? 0 },
    ...{ firstOffset, lastOffset: durable?.lastOffset ?? null, rollReason: roll?.reason ?? null },
    ...{ openedAt: isoOf(openedAtMs), committedAt: null },
  };
}

function* committed({ stats }: Coordinator, filter: FileFilter) {
  if (filter.state !== null && filter.state !== 'committed') return;
  for (const file of stats.counts.recentFiles.toReversed()) if (isWanted(file, filter)) yield recentOf(file);
}

function recentOf({ committedAtMs, ...file }: RecentFile) {
  return { ...file, state: 'committed', openedAt: null, committedAt: isoOf(committedAtMs) };
}

function isWanted({ topic, partition }: TopicPartition, filter: FileFilter): boolean {
  return (
    (filter.topic === null || filter.topic === topic) &&
    (filter.partition === null || filter.partition === partition)
  );
}

const isoOf = (wallMs: number): string => new Date(wallMs).toISOString();
