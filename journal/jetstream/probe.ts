/** What `tidemark doctor` checks of a NATS journal. It appends to a scratch stream, never to the job's. */
import {
  JetStreamApiError,
  jetstreamManager,
  type JetStreamManager,
  type StreamInfo,
} from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import {
  check,
  fail,
  gravest,
  pass,
  warn,
  type Check,
  type Finding,
  type Probe,
} from '../../kernels/checks/check.ts';
import { bytesText, durationText } from '../../kernels/checks/sizes.ts';
import { isJournalFailure } from '../failure.ts';
import { connectNats, deadlineIn, type NatsConnectionOptions, type NatsLink } from './connection.ts';
import { isNoResponders } from './outcome.ts';
import { ScratchStream } from './scratchStream.ts';
import { isStreamGone, streamProblems } from './stream.ts';
import { syncFinding } from './syncInterval.ts';

const CONNECT_MS = 5_000;
const REQUEST_MS = 5_000;
const REPLICAS_WANTED = 3;
const SKEW_MS_WANTED = 60_000;
/** An entry of a checkpoint with many files is large; so is a snapshot, which is then written in pieces. */
const PAYLOAD_BYTES_LEAST = 64 * 1024;
const PAYLOAD_BYTES_WANTED = 1024 * 1024;
const FULL_SHARE = 0.8;
const ROOM_BYTES_WANTED = 256 * 1024 * 1024;

export interface NatsProbing extends NatsConnectionOptions {
  readonly stream: string;
  readonly replicas: number;
  readonly scratchId: string;
}

export function natsProbe(probing: NatsProbing): Probe {
  const probe = new NatsProbe(probing);
  return {
    checks: probe.checks,
    isAway: (error) =>
      isJournalFailure(error, 'unavailable') || error instanceof errors.TimeoutError || isNoResponders(error),
    close: () => probe.close(),
  };
}

interface Connected {
  readonly link: NatsLink;
  readonly jsm: JetStreamManager;
}

class NatsProbe {
  readonly #probing: NatsProbing;
  #connecting: Promise<Connected> | null = null;
  /** Null: there is none yet. */
  #stream: StreamInfo | null = null;
  #scratch: ScratchStream | null = null;

  constructor(probing: NatsProbing) {
    this.#probing = probing;
  }

  readonly checks: readonly Check[] = [
    check('nats-server', [], () => this.#server()),
    check('nats-account', ['nats-server'], () => this.#account()),
    check('nats-stream', ['nats-server'], () => this.#find()),
    check('nats-replicas', ['nats-stream'], async () => this.#replicas()),
    check('nats-room', ['nats-stream'], async () => roomOfStream(this.#stream)),
    check('nats-payload', ['nats-server'], async () =>
      payloadFinding((await this.#connected()).link.payloadBytesMax),
    ),
    check('nats-append', ['nats-server'], async () => this.#append()),
    check('nats-sync', ['nats-server'], async () => syncFinding(this.#probing.servers)),
    check('nats-clock', ['nats-stream'], async () => clockFinding(this.#stream, Date.now())),
  ];

  #connected(): Promise<Connected> {
    return (this.#connecting ??= this.#connect());
  }

  async #connect(): Promise<Connected> {
    const link = await connectNats({ ...this.#probing, waitForServerMs: CONNECT_MS }, deadlineIn(CONNECT_MS));
    return { link, jsm: await jetstreamManager(link.nc, { checkAPI: false, timeout: REQUEST_MS }) };
  }

  async #server(): Promise<Finding> {
    const { nc } = (await this.#connected()).link;
    const tookMs = await nc.rtt();
    const { version = 'unknown', jetstream, cluster } = nc.info ?? {};
    const where = `nats-server ${version}${cluster === undefined ? '' : ` of the cluster ${cluster}`}`;
    return jetstream === true
      ? pass(`${where} answers within ${durationText(tookMs)}`)
      : fail(`${where} has no JetStream`, 'Start it with JetStream: -js, or a block jetstream {}.');
  }

  async #account(): Promise<Finding> {
    const { link, jsm } = await this.#connected();
    try {
      const { storage, streams, limits } = await link.during(jsm.getAccountInfo());
      return accountFinding({ storage, streams, limits });
    } catch (error) {
      const denied = deniedSubject(error);
      if (denied !== null)
        return warn(
          `the limits of the account may not be read (${denied})`,
          `Allow it to publish to ${denied}.`,
        );
      if (!(error instanceof JetStreamApiError) && !isNoResponders(error)) throw error;
      return fail(
        'JetStream is not enabled for this account, or has no leader',
        'Enable it for the account.',
      );
    }
  }

  async #find(): Promise<Finding> {
    const { link, jsm } = await this.#connected();
    const { stream } = this.#probing;
    try {
      this.#stream = await link.during(jsm.streams.info(stream));
    } catch (error) {
      if (isStreamGone(error)) return pass(`the stream ${stream} is not there yet: the first run makes it`);
      const denied = deniedSubject(error);
      if (denied === null) throw error;
      return fail(`the account may not look at the stream ${stream}`, `Allow it to publish to ${denied}.`);
    }
    const problems = streamProblems(this.#stream.config);
    return problems.length === 0
      ? pass(`the stream ${stream} keeps all that is appended: ${this.#stream.state.messages} messages`)
      : fail(
          `the stream ${stream} cannot hold the journal: ${problems.join('; ')}`,
          'Set it so, or name a stream that is not there yet (journal.nats.stream).',
        );
  }

  #replicas(): Finding {
    const replicas = this.#stream?.config.num_replicas ?? this.#probing.replicas;
    const peers = this.#stream?.cluster?.replicas ?? [];
    const behind = peers.filter(({ current, offline }) => offline || !current).map(({ name }) => name);
    const found = replicas === 1 ? '1 replica' : `${replicas} replicas`;
    return gravest([
      replicas >= REPLICAS_WANTED
        ? pass(found)
        : warn(
            `${found}: what one server loses is lost`,
            `Use ${REPLICAS_WANTED}: journal.nats.replicas for a new stream, else \`nats stream edit\`.`,
          ),
      ...(behind.length === 0
        ? []
        : [warn(`replicas that are behind or away: ${behind.join(', ')}`, 'Look after these servers.')]),
    ]);
  }

  async #append(): Promise<Finding> {
    const { jsm } = await this.#connected();
    try {
      return await (this.#scratch ??= new ScratchStream(this.#probing, jsm)).check();
    } catch (error) {
      const denied = deniedSubject(error);
      if (denied === null) throw error;
      return warn(
        `appending was not tried, since the account may not publish to ${denied} for a scratch stream`,
        `Allow it for streams that begin with ${this.#probing.stream}, or try it with a small job.`,
      );
    }
  }

  async close(): Promise<void> {
    const connected = await this.#connecting?.catch(() => null);
    this.#connecting = null;
    try {
      await this.#scratch?.remove();
    } finally {
      await connected?.link.close();
    }
  }
}

/** The subject that the account may not use; null if the error says something else. */
function deniedSubject(error: unknown): string | null {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth += 1)
    if (at instanceof errors.PermissionViolationError) return at.subject;
  return null;
}

export interface AccountFacts {
  /** Bytes. */
  readonly storage: number;
  readonly streams: number;
  /** -1: no limit. */
  readonly limits: { readonly max_storage: number; readonly max_streams: number };
}

/** Streams of a job: of its entries, its snapshots, and who lives. */
const STREAMS_OF_JOB = 3;

export function accountFinding({ storage, streams, limits }: AccountFacts): Finding {
  const { max_storage: bytesMax, max_streams: streamsMax } = limits;
  const room = bytesMax < 0 ? 'no limit' : `${bytesText(bytesMax)} at most`;
  const ofMost = streamsMax < 0 ? '' : ` of ${streamsMax}`;
  const found = `${bytesText(storage)} stored, ${room}; ${streams} streams${ofMost}`;
  const mend = 'Raise the limits of the account: a full journal stops nothing for good, but nothing goes on.';
  if (bytesMax >= 0 && storage >= bytesMax) return fail(found, mend);
  const isNarrow =
    bytesMax >= 0 && (storage > bytesMax * FULL_SHARE || bytesMax - storage < ROOM_BYTES_WANTED);
  const hasFewStreams = streamsMax >= 0 && streamsMax - streams < STREAMS_OF_JOB;
  return isNarrow || hasFewStreams ? warn(found, mend) : pass(found);
}

export function roomOfStream(stream: Pick<StreamInfo, 'config' | 'state'> | null): Finding {
  if (stream === null) return pass('a new stream has no limit of its own');
  const { max_bytes: bytesMax, max_msgs: messagesMax } = stream.config;
  const { bytes, messages } = stream.state;
  const mend = 'Raise max_bytes and max_msgs of the stream, or set them to -1: entries are never removed.';
  const share = Math.max(bytesMax > 0 ? bytes / bytesMax : 0, messagesMax > 0 ? messages / messagesMax : 0);
  const limits = [
    ...(bytesMax > 0 ? [bytesText(bytesMax)] : []),
    ...(messagesMax > 0 ? [`${messagesMax} messages`] : []),
  ];
  const limited = limits.length === 0 ? 'no limit' : `of ${limits.join(' and ')}`;
  const found = `${bytesText(bytes)} in ${messages} messages, ${limited}`;
  if (share >= 1) return fail(found, mend);
  return share > FULL_SHARE ? warn(found, mend) : pass(found);
}

export function payloadFinding(bytes: number): Finding {
  const found = `a message may have ${bytesText(bytes)}`;
  const mend = `Set max_payload of the servers to at least ${bytesText(PAYLOAD_BYTES_WANTED)}.`;
  if (bytes < PAYLOAD_BYTES_LEAST) return fail(found, mend);
  return bytes < PAYLOAD_BYTES_WANTED ? warn(found, mend) : pass(found);
}

/** A server stamps its answer about a stream. */
export function clockFinding(stream: Pick<StreamInfo, 'ts'> | null, nowMs: number): Finding {
  const serverMs = Date.parse(stream?.ts ?? '');
  if (Number.isNaN(serverMs)) return pass('the server does not tell its time');
  const skewMs = Math.abs(nowMs - serverMs);
  return skewMs < SKEW_MS_WANTED
    ? pass('the clocks differ by less than a minute')
    : warn(
        `the clock of this machine differs from the server's by ${durationText(skewMs)}`,
        'Let NTP set both clocks: status tells ages by them.',
      );
}
