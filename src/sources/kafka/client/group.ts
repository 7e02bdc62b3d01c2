/** The consumer protocol of Kafka's groups, as the client library encodes it. */
import type { TopicPartition } from '../../../../journal/ids.ts';
import {
  countsMarkFromBytes,
  factsFromBytes,
  factsToBytes,
  unnamedFromBytes,
  unnamedToBytes,
  type JoinedMember,
  type MemberFacts,
  type Unnamed,
} from '../group/userData.ts';
import { AssignerProtocol } from './client.ts';

/** The group refuses members with another protocol (Tidemark 0.1.0, say): none would know what it owns. */
export const PROTOCOL_NAME = 'tidemark';
export function encodeMember(topics: readonly string[], facts: MemberFacts): Buffer {
  const userData = factsToBytes(facts);
  return AssignerProtocol.MemberMetadata.encode({ version: 0, topics: [...topics], userData });
}

/** `metadata` is empty while the group prepares a generation. */
export function decodeMember(memberId: string, metadata: Buffer): JoinedMember {
  const decoded = metadata.length === 0 ? null : AssignerProtocol.MemberMetadata.decode(metadata);
  return {
    memberId,
    topics: decoded?.topics ?? [],
    facts: decoded === null ? null : factsFromBytes(decoded.userData),
  };
}

/** @param countsMark of the counts that the member has reported; null for another program's. */
export function encodeAssignment(
  partitions: readonly TopicPartition[],
  unnamed: Unnamed,
  countsMark: string | null = null,
): Buffer {
  const assignment: Record<string, number[]> = {};
  for (const { topic, partition } of partitions) (assignment[topic] ??= []).push(partition);
  return AssignerProtocol.MemberAssignment.encode({
    version: 0,
    assignment,
    userData: unnamedToBytes(unnamed, countsMark),
  });
}

export function decodeUnnamed(memberAssignment: Buffer): Unnamed {
  return unnamedFromBytes(userDataOf(memberAssignment));
}

/** Null if the leader told none. */
export function decodeCountsMark(memberAssignment: Buffer): string | null {
  return countsMarkFromBytes(userDataOf(memberAssignment));
}

function userDataOf(memberAssignment: Buffer): Buffer | null {
  const decoded =
    memberAssignment.length === 0 ? null : AssignerProtocol.MemberAssignment.decode(memberAssignment);
  return decoded?.userData ?? null;
}
