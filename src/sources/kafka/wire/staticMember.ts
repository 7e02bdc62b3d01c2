/**
 * Requests of a static member (KIP-345): one that keeps its place in the group under an instance id, also
 * while its process is restarted. kafkajs sends the versions that have a field for it, and leaves it empty.
 */
import { SourceFailure } from '../../failure.ts';
import { API_KEYS, errorOfCode, payloadOf } from '../client/client.ts';
import type { ProtocolRequest } from '../client/types.ts';
import { requestOf } from './request.ts';
import { WireReader, WireWriter } from './wireTypes.ts';

/** Version of each request, the one of kafkajs 2.2.4: Kafka 2.4 has them all. */
const JOIN_VERSION = 5;
const SYNC_VERSION = 3;
const HEARTBEAT_VERSION = 3;
const LEAVE_VERSION = 3;
const COMMIT_VERSION = 7;
const NO_LEADER_EPOCH = -1;

/** As a request names it. */
export interface StaticMemberId {
  readonly memberId: string;
  readonly instanceId: string;
}

/**
 * A join with the instance id. `memberId` stands in where the client names none: whoever joins without one
 * takes the place over, and fences whoever has it.
 */
export function joinPayload(payload: Buffer, { memberId, instanceId }: StaticMemberId): Buffer {
  const reader = new WireReader(payload);
  const writer = new WireWriter()
    .string(reader.string() ?? '')
    .int32(reader.int32())
    .int32(reader.int32());
  const named = reader.string() ?? '';
  reader.string();
  return writer
    .string(named === '' ? memberId : named)
    .string(instanceId)
    .raw(reader.rest())
    .toBuffer();
}

/** A sync or a heartbeat with the instance id: both begin with the group, the generation and the member. */
export function memberPayload(payload: Buffer, instanceId: string): Buffer {
  const reader = new WireReader(payload);
  const writer = new WireWriter().string(reader.string() ?? '').int32(reader.int32());
  writer.string(reader.string() ?? '');
  reader.string();
  return writer.string(instanceId).raw(reader.rest()).toBuffer();
}

/** The request with the instance id; null if it is none that carries one. */
export function asStaticMember<Response>(
  sent: ProtocolRequest<Response>,
  member: StaticMemberId,
): ProtocolRequest<Response> | null {
  const { request } = sent;
  const { instanceId } = member;
  const carrying = (version: number, change: (payload: Buffer) => Buffer): ProtocolRequest<Response> => {
    if (request.apiVersion !== version)
      throw new SourceFailure(
        'unavailable',
        `The broker is older than Kafka 2.4 (${request.apiName} version ${request.apiVersion}) and knows ` +
          'no source.kafka.instanceId: leave it out.',
      );
    const encode = async () => payloadOf(change((await request.encode()).buffer));
    return { ...sent, request: { ...request, encode } };
  };
  switch (request.apiKey) {
    case API_KEYS.joinGroup:
      return carrying(JOIN_VERSION, (payload) => joinPayload(payload, member));
    case API_KEYS.syncGroup:
      return carrying(SYNC_VERSION, (payload) => memberPayload(payload, instanceId));
    case API_KEYS.heartbeat:
      return carrying(HEARTBEAT_VERSION, (payload) => memberPayload(payload, instanceId));
    default:
      return null;
  }
}

/** Makes a static member leave: by its member id alone it would be refused. */
export function leaveRequest(
  groupId: string,
  { memberId, instanceId }: StaticMemberId,
): ProtocolRequest<Outcome> {
  const payload = new WireWriter().string(groupId).int32(1).string(memberId).string(instanceId).toBuffer();
  const api = { apiKey: API_KEYS.leaveGroup, apiVersion: LEAVE_VERSION, apiName: 'LeaveGroup' };
  return requestOf(
    api,
    () => payload,
    (bytes) => {
      const reader = new WireReader(bytes);
      const clientSideThrottleTime = reader.int32();
      const errorCode = reader.int16();
      const members = reader.array(() => ({
        id: reader.string(),
        instance: reader.string(),
        errorCode: reader.int16(),
      }));
      return {
        clientSideThrottleTime,
        errorCodes: [errorCode, ...members.map((member) => member.errorCode)],
      };
    },
    withoutErrors,
  );
}

export interface StaticCommit extends StaticMemberId {
  readonly groupId: string;
  readonly generationId: number;
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly metadata: string;
}

export function commitRequest(commit: StaticCommit): ProtocolRequest<Outcome> {
  const { groupId, generationId, memberId, instanceId, topic, partition, offset, metadata } = commit;
  const payload = new WireWriter()
    .string(groupId)
    .int32(generationId)
    .string(memberId)
    .string(instanceId)
    .int32(1)
    .string(topic)
    .int32(1)
    .int32(partition)
    .int64(offset)
    .int32(NO_LEADER_EPOCH)
    .string(metadata)
    .toBuffer();
  const api = { apiKey: API_KEYS.offsetCommit, apiVersion: COMMIT_VERSION, apiName: 'OffsetCommit' };
  return requestOf(
    api,
    () => payload,
    (bytes) => {
      const reader = new WireReader(bytes);
      const clientSideThrottleTime = reader.int32();
      const topics = reader.array(() => {
        reader.string();
        return reader.array(() => ({ partition: reader.int32(), errorCode: reader.int16() }));
      });
      return { clientSideThrottleTime, errorCodes: topics.flat().map(({ errorCode }) => errorCode) };
    },
    withoutErrors,
  );
}

interface Outcome {
  readonly errorCodes: readonly number[];
}

/** Throws the first error, as the client throws it. */
function withoutErrors(outcome: Outcome): Outcome {
  const wrong = outcome.errorCodes.find((code) => code !== 0);
  if (wrong !== undefined) throw errorOfCode(wrong);
  return outcome;
}
