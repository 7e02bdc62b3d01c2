/**
 * The only file that uses what kafkajs does not export. It pins the version, checks at load every member that
 * it uses, and repairs six faults of the client. See docs/decisions/0003.
 */
import { createRequire } from 'node:module';
import type * as kafkajs from 'kafkajs';
import type { Consumer, KafkaConfig } from 'kafkajs';
import { TidemarkError } from '../../../../journal/errors.ts';
import type {
  WireEncoder,
  Connection,
  ConnectionPool,
  Broker,
  BatchContext,
  DecodedRecord,
  WireDecoder,
  RootLogger,
  RequestQueue,
  SaslAuthenticator,
  Cluster,
  PoolBuilder,
} from './types.ts';

export const KAFKAJS_VERSION = '2.2.4';

const load = createRequire(import.meta.url);

function loadClient() {
  const found = (load('kafkajs/package.json') as { version: string }).version;
  if (found !== KAFKAJS_VERSION) {
    throw new TidemarkError(
      'INTERNAL',
      `kafkajs ${found} is installed, but Tidemark uses internals of exactly ${KAFKAJS_VERSION}; install ` +
        'that version.',
    );
  }
  return {
    api: load('kafkajs') as typeof kafkajs,
    Broker: load('kafkajs/src/broker') as new (options: Record<string, unknown>) => Broker,
    Cluster: load('kafkajs/src/cluster') as { prototype: Cluster },
    Connection: load('kafkajs/src/network/connection') as { prototype: Connection },
    SaslAuthenticator: load('kafkajs/src/broker/saslAuthenticator') as { prototype: SaslAuthenticator },
    RequestQueue: load('kafkajs/src/network/requestQueue') as { prototype: Record<string, unknown> },
    Encoder: load('kafkajs/src/protocol/encoder') as new (size?: number) => WireEncoder & {
      writeBuffer(bytes: Buffer): WireEncoder;
    },
    Decoder: load('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => WireDecoder,
    decodeRecord: load('kafkajs/src/protocol/recordBatch/record/v0/decoder') as (
      decoder: WireDecoder,
      context: BatchContext,
    ) => DecodedRecord,
    timestampTypes: load('kafkajs/src/protocol/timestampTypes') as Record<string, number>,
    createPoolBuilder: load('kafkajs/src/cluster/connectionPoolBuilder') as (options: unknown) => PoolBuilder,
    createSocketFactory: load('kafkajs/src/network/socketFactory') as () => unknown,
    createLogger: (load('kafkajs/src/loggers') as { createLogger: (options: unknown) => RootLogger })
      .createLogger,
    apiKeys: load('kafkajs/src/protocol/requests/apiKeys') as Record<string, number>,
    createErrorFromCode: (
      load('kafkajs/src/protocol/error') as { createErrorFromCode: (code: number) => Error }
    ).createErrorFromCode,
  };
}

const client = loadClient();

/** What Tidemark calls or replaces of the client: owner, its object, and the names of the members. */
function usedMembers(): [string, unknown, string[]][] {
  const { api, Broker: BrokerClass, Connection: ConnectionClass, RequestQueue: QueueClass } = client;
  const { Encoder, Decoder } = client;
  return [
    ['kafkajs', api, ['Kafka']],
    [
      'Broker.prototype',
      BrokerClass.prototype,
      [
        'connect',
        'isConnected',
        'findGroupCoordinator',
        'heartbeat',
        'leaveGroup',
        'describeGroups',
        'listOffsets',
        'offsetCommit',
        'offsetFetch',
      ],
    ],
    [
      'Connection.prototype',
      ConnectionClass.prototype,
      ['connect', 'disconnect', 'isConnected', 'processData', 'rejectRequests'],
    ],
    [
      'RequestQueue.prototype',
      QueueClass.prototype,
      ['scheduleCheckPendingRequests', 'checkPendingRequests', 'rejectAll'],
    ],
    ['SaslAuthenticator.prototype', client.SaslAuthenticator.prototype, ['authenticate']],
    ['AssignerProtocol.MemberMetadata', api.AssignerProtocol.MemberMetadata, ['encode', 'decode']],
    ['AssignerProtocol.MemberAssignment', api.AssignerProtocol.MemberAssignment, ['encode', 'decode']],
    [
      'Cluster.prototype',
      client.Cluster.prototype,
      [
        'refreshMetadataIfNecessary',
        'addMultipleTargetTopics',
        'findTopicPartitionMetadata',
        'committedOffsets',
      ],
    ],
    ['Encoder.prototype', Encoder.prototype, ['writeBuffer']],
    ['Decoder.prototype', Decoder.prototype, ['readVarIntBytes']],
    ['record decoder', client, ['decodeRecord']],
    ['protocol errors', client, ['createErrorFromCode']],
  ];
}

/** Names the missing members of those that Tidemark calls or replaces. */
export function missingMembers(): string[] {
  const missing: string[] = [];
  for (const [owner, holder, members] of usedMembers()) {
    for (const member of members) {
      if (typeof (holder as Record<string, unknown>)[member] !== 'function')
        missing.push(`${owner}.${member}`);
    }
  }
  for (const key of [
    'Fetch',
    'Metadata',
    'JoinGroup',
    'SyncGroup',
    'Heartbeat',
    'LeaveGroup',
    'OffsetCommit',
    'OffsetFetch',
    'OffsetForLeaderEpoch',
    'DescribeConfigs',
  ]) {
    if (typeof client.apiKeys[key] !== 'number') missing.push(`apiKeys.${key}`);
  }
  for (const type of ['CREATE_TIME', 'LOG_APPEND_TIME']) {
    if (typeof client.timestampTypes[type] !== 'number') missing.push(`timestampTypes.${type}`);
  }
  return missing;
}

const connecting = Symbol('tidemark: connecting');
const connects = Symbol('tidemark: connects');

/**
 * 1. A connection keeps the bytes of a response that was cut off, and takes them for the start of the next
 *    one after reconnecting. Two requests that find it closed open two sockets. It must start clean, and
 *    once.
 * 2. The request queue sets a timer with a negative delay after every response, which Node 24 reports on
 *    standard error. If nothing is pending there is nothing to check.
 * 3. A whole response leaves an empty chunk. The next one, even if whole, would be copied to join them.
 * 4. A connection authenticates again a fixed time before its session ends: with sessions shorter than that,
 *    before every request. A broker refuses that more than once in a second.
 * 5. A broker that goes away while a connection authenticates looks like one that refuses the secret.
 * 6. A connection whose authentication failed half-way (no token, say) stays open and begins anew, which a
 *    broker refuses as out of order.
 */
function repair(): void {
  const connection = client.Connection.prototype as Connection & {
    [connecting]?: Promise<unknown> | undefined;
    [connects]?: number;
  };
  const { connect, processData } = connection;
  connection.processData = function (this: typeof connection, bytes) {
    if (this.bytesBuffered === 0) this.chunks = [];
    return processData.call(this, bytes);
  };
  connection.connect = function (this: typeof connection) {
    if (this.isConnected()) return Promise.resolve(true);
    this[connecting] ??= (() => {
      this.chunks = [];
      this.bytesBuffered = 0;
      this.bytesNeeded = 4;
      this[connects] = (this[connects] ?? 0) + 1;
      return connect.call(this).finally(() => {
        this[connecting] = undefined;
      });
    })();
    return this[connecting];
  };
  Object.defineProperty(connection, 'reauthenticationThreshold', {
    get(this: { readonly sessionLifetime: { toString(): string } }) {
      return reauthenticationAheadMs(Number(this.sessionLifetime.toString()));
    },
    set: () => undefined,
    // Two copies of this program in one process share the client.
    configurable: true,
  });
  repairAuthentication();
  const queue = client.RequestQueue.prototype;
  const recheckMs = 10;
  queue['scheduleCheckPendingRequests'] = function (this: RequestQueue) {
    if (this.throttleCheckTimeoutId !== null) return;
    const throttledMs = this.throttledUntil - Date.now();
    if (this.pending.length === 0 && throttledMs <= 0) return;
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      throttledMs > 0 ? throttledMs : recheckMs,
    );
  };
}

function repairAuthentication(): void {
  const prototype = client.SaslAuthenticator.prototype;
  const { authenticate } = prototype;
  prototype.authenticate = async function (this: SaslAuthenticator) {
    const { connection } = this;
    let unanswered: unknown = null;
    const send = async (request: unknown): Promise<unknown> => {
      try {
        return await connection.send(request);
      } catch (error) {
        if ((error as { name?: unknown }).name !== 'KafkaJSProtocolError') unanswered = error;
        throw error;
      }
    };
    this.connection = Object.create(connection, { send: { value: send } }) as typeof connection;
    try {
      await authenticate.call(this);
    } catch (error) {
      const reason = (unanswered ?? error) as Error;
      await closeConnection(connection, reason);
      throw reason;
    }
  };
}

const AHEAD_SHARE = 0.2;
const AHEAD_MS_MAX = 60_000;

/** How long before the end of a session a connection authenticates again; 0 where sessions do not end. */
export function reauthenticationAheadMs(sessionMs: number): number {
  return Math.floor(Math.min(AHEAD_MS_MAX, sessionMs * AHEAD_SHARE));
}

function prepare(): void {
  const missing = missingMembers();
  if (missing.length > 0) {
    throw new TidemarkError(
      'INTERNAL',
      `kafkajs ${KAFKAJS_VERSION} lacks members that Tidemark uses: ${missing.join(', ')}.`,
    );
  }
  repair();
}
prepare();

export const { Kafka, AssignerProtocol } = client.api;
export const API_KEYS = {
  fetch: client.apiKeys['Fetch'] ?? -1,
  metadata: client.apiKeys['Metadata'] ?? -1,
  joinGroup: client.apiKeys['JoinGroup'] ?? -1,
  syncGroup: client.apiKeys['SyncGroup'] ?? -1,
  heartbeat: client.apiKeys['Heartbeat'] ?? -1,
  leaveGroup: client.apiKeys['LeaveGroup'] ?? -1,
  offsetCommit: client.apiKeys['OffsetCommit'] ?? -1,
  offsetForLeaderEpoch: client.apiKeys['OffsetForLeaderEpoch'] ?? -1,
  describeConfigs: client.apiKeys['DescribeConfigs'] ?? -1,
} as const;

/** The error that the client throws for one of Kafka's codes. */
export const errorOfCode = (code: number): Error => client.createErrorFromCode(code);

/** A request payload of already encoded bytes. */
export function payloadOf(bytes: Buffer): WireEncoder {
  const encoder = new client.Encoder(bytes.length);
  encoder.writeBuffer(bytes);
  return encoder;
}

export const TIMESTAMP_TYPES = {
  createTime: client.timestampTypes['CREATE_TIME'] ?? -1,
  logAppendTime: client.timestampTypes['LOG_APPEND_TIME'] ?? -1,
} as const;

/**
 * Reads the unpacked records of one batch with kafkajs's own decoder, an object each. The decoder cuts off
 * what reaches past the end and continues after it, so each record's end is checked here.
 */
export class RecordReader {
  readonly #decoder: WireDecoder;
  readonly #length: number;
  readonly #context: BatchContext;

  constructor(bytes: Buffer, context: BatchContext) {
    this.#decoder = new client.Decoder(bytes);
    this.#length = bytes.length;
    this.#context = context;
  }

  get leftBytes(): number {
    return this.#length - this.#decoder.offset;
  }

  /** Null, or an error of kafkajs, if the record does not end where it should. */
  next(): DecodedRecord | null {
    const body = this.#decoder.readVarIntBytes();
    if (body === null || this.leftBytes < 0) return null;
    const decoder = new client.Decoder(body);
    const record = client.decodeRecord(decoder, this.#context);
    return decoder.offset === body.length ? record : null;
  }
}

/** Makes brokers that share the client's settings but belong to no kafkajs cluster. */
export function brokerFactory(
  config: KafkaConfig,
): (address: { host: string; port: number; nodeId: number | null }) => Promise<Broker> {
  const logger = client.createLogger({ level: config.logLevel, logCreator: config.logCreator });
  const pools = client.createPoolBuilder({
    ...config,
    socketFactory: config.socketFactory ?? client.createSocketFactory(),
    logger,
    maxInFlightRequests: null,
  });
  return async ({ host, port, nodeId }) =>
    new client.Broker({
      connectionPool: await pools.build({ host, port, rack: null }),
      logger,
      nodeId,
      allowAutoTopicCreation: false,
      authenticationTimeout: config.authenticationTimeout,
    });
}

/** A broker has a separate connection for fetches: the second one. */
const fetchConnection = ({ pool }: ConnectionPool): Connection & { [connects]?: number } => {
  const [, connection] = pool;
  if (connection === undefined) throw new TidemarkError('INTERNAL', 'a broker has no connection for fetches');
  return connection;
};

/** How many times the connection for fetches was made. Truncating a log by hand breaks it. */
export function fetchConnects(pool: ConnectionPool): number {
  return fetchConnection(pool)[connects] ?? 0;
}

/** Makes the connection for fetches if there is none now. */
export async function connectFetches(pool: ConnectionPool): Promise<number> {
  await fetchConnection(pool).connect();
  return fetchConnects(pool);
}

/** Closes both connections now. Requests in flight are rejected with `reason` instead of being waited for. */
export async function closeConnections(pool: { readonly pool: Connection[] }, reason: Error): Promise<void> {
  await Promise.all(pool.pool.map((connection) => closeConnection(connection, reason)));
}

async function closeConnection(connection: Connection, reason: Error): Promise<void> {
  connection.rejectRequests(reason);
  const { socket } = connection;
  await connection.disconnect();
  // With an error: otherwise a connection that is still being made would not notice.
  socket?.destroy(reason);
}

export type { Consumer };
