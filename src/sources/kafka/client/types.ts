/**
 * The shapes of kafkajs that Tidemark uses: those that it exports, and those that it does not. internals.ts
 * checks that the latter exist. No other folder imports the library.
 */
export type {
  ConsumerCrashEvent,
  ConsumerGroupJoinEvent,
  KafkaConfig,
  Mechanism,
  SASLOptions,
} from 'kafkajs';

/** Encodes a request's payload. */
export interface WireEncoder {
  readonly buf: Buffer;
  /** What of `buf` is written. */
  readonly buffer: Buffer;
}

export interface ProtocolRequest<Response> {
  readonly request: {
    readonly apiKey: number;
    readonly apiVersion: number;
    readonly apiName: string;
    encode(): Promise<WireEncoder>;
  };
  readonly response: {
    /** The connection obeys the result's clientSideThrottleTime. */
    decode(payload: Buffer): Promise<Response & { readonly clientSideThrottleTime?: number }>;
    parse(decoded: Response): Promise<Response>;
  };
  readonly requestTimeout?: number;
  readonly logResponseError?: boolean;
}

export interface Connection {
  connect: (this: Connection) => Promise<unknown>;
  processData: (this: Connection, bytes: Buffer) => unknown;
  isConnected(): boolean;
  send(request: unknown): Promise<unknown>;
  disconnect(): Promise<unknown>;
  rejectRequests(error: Error): void;
  socket?: { destroy(error: Error): void };
  chunks: Buffer[];
  bytesBuffered: number;
  bytesNeeded: number;
}

export interface ConnectionPool {
  readonly host: string;
  readonly port: number;
  readonly pool: Connection[];
  send<Response>(request: ProtocolRequest<Response>): Promise<Response>;
}

interface GroupTopic<Partition> {
  readonly topic: string;
  readonly partitions: readonly Partition[];
}

interface ListedOffset {
  readonly partition: number;
  readonly offset: string;
}

export interface GroupOffset {
  readonly partition: number;
  readonly offset: string;
  readonly metadata: string | null;
}

export interface DescribedMember {
  readonly memberId: string;
  readonly clientId: string;
  readonly clientHost: string;
  /** Empty while the group prepares a generation. */
  readonly memberMetadata: Buffer;
}

/** One broker with its two connections: one for fetches, the other for everything else. */
export interface Broker {
  readonly nodeId: number | null;
  readonly connectionPool: ConnectionPool;
  readonly versions: Readonly<Record<number, { minVersion: number; maxVersion: number }>> | null;
  connect(): Promise<void>;
  isConnected(): boolean;
  findGroupCoordinator(request: { groupId: string; coordinatorType: number }): Promise<{
    coordinator: { nodeId: number; host: string; port: number };
  }>;
  heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>;
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
  describeGroups(request: { groupIds: string[] }): Promise<{
    groups: { groupId: string; state: string; members: DescribedMember[] }[];
  }>;
  listOffsets(request: {
    isolationLevel: number;
    topics: GroupTopic<{ partition: number; timestamp: string }>[];
  }): Promise<{ responses: GroupTopic<ListedOffset>[] }>;
  offsetCommit(request: {
    groupId: string;
    groupGenerationId: number;
    memberId: string;
    topics: GroupTopic<{ partition: number; offset: string; metadata: string }>[];
  }): Promise<unknown>;
  offsetFetch(request: {
    groupId: string;
    topics: GroupTopic<{ partition: number }>[];
  }): Promise<{ responses: GroupTopic<GroupOffset>[] }>;
}

/** What a batch's header defines for its records. 64-bit numbers are strings, as everywhere in kafkajs. */
export interface BatchContext {
  readonly firstOffset: string;
  readonly firstTimestamp: string;
  readonly maxTimestamp: string;
  readonly timestampType: number;
}

export interface DecodedRecord {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

export interface WireDecoder {
  readonly offset: number;
  readVarIntBytes(): Buffer | null;
}

export interface RootLogger {
  namespace(name: string): RootLogger;
}

/** Made anew for each authentication of a connection. */
export interface SaslAuthenticator {
  connection: Connection;
  authenticate: (this: SaslAuthenticator) => Promise<void>;
}

export interface RequestQueue {
  readonly pending: unknown[];
  readonly throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests(): void;
}

/** kafkajs's consumer-side cluster, which it passes to a partition assigner. */
export interface Cluster {
  readonly connectionPoolBuilder: PoolBuilder;
  /** Empty if the topic is not known. */
  findTopicPartitionMetadata(topic: string): readonly unknown[];
  /** Called before each fetch of the consumer. */
  refreshMetadataIfNecessary(): Promise<void>;
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  committedOffsets(group: { groupId: string }): Record<string, Record<number, string>>;
}

export interface PoolBuilder {
  build(destination?: { host: string; port: number; rack?: string | null }): Promise<ConnectionPool>;
}
