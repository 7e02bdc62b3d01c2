import { connect as connectNats } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect as connectTcp } from 'node:net';
import { messageOf } from './common.ts';

/** What a live broker reports about itself. */
export type KafkaAnswer = { readonly clusterId: string; readonly brokers: number };

/** What a live nats-server with JetStream reports about itself. */
export type NatsAnswer = { readonly serverName: string; readonly version: string };

const metadataApiKey = 3;
const metadataVersion = 2;
const correlationId = 1;

/**
 * Asks one broker (`host:port`) for the cluster's metadata, without any topic. Written by hand because a
 * probe asks repeatedly, and a client library would log and retry on its own.
 */
export async function probeKafka(broker: string, timeoutMs = 3000): Promise<KafkaAnswer> {
  const answer = readMetadata(await exchange(broker, metadataRequest(), timeoutMs));
  if (answer.brokers < 1) throw new Error(`${broker} answers, but has no live broker in its metadata yet`);
  return answer;
}

function metadataRequest(): Buffer {
  const clientId = Buffer.from('tidemark-probe');
  const body = Buffer.alloc(4 + 2 + 2 + 4 + 2 + clientId.length + 4);
  let at = body.writeInt32BE(body.length - 4, 0);
  at = body.writeInt16BE(metadataApiKey, at);
  at = body.writeInt16BE(metadataVersion, at);
  at = body.writeInt32BE(correlationId, at);
  at = body.writeInt16BE(clientId.length, at);
  at += clientId.copy(body, at);
  body.writeInt32BE(0, at); // an array of no topics
  return body;
}

function readMetadata(response: Buffer): KafkaAnswer {
  if (response.readInt32BE(0) !== correlationId) throw new Error('an answer, but not one of a Kafka broker');
  let at = 4;
  const readString = (): string => {
    const length = response.readInt16BE(at);
    at += 2;
    const text = length < 0 ? '' : response.toString('utf8', at, at + length);
    at += Math.max(0, length);
    return text;
  };
  const brokers = response.readInt32BE(at);
  at += 4;
  for (let i = 0; i < brokers; i++) {
    at += 4; // node id
    readString(); // host
    at += 4; // port
    readString(); // rack
  }
  return { clusterId: readString(), brokers };
}

/** Sends one length-prefixed request; resolves with the bytes of the answer, without their length. */
function exchange(broker: string, request: Buffer, timeoutMs: number): Promise<Buffer> {
  const { hostname, port } = new URL(`tcp://${broker}`);
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) });
    let received = Buffer.alloc(0);
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(timeoutMs, () =>
      fail(new Error(`${broker} gave no answer for ${String(timeoutMs)} ms`)),
    );
    socket.once('error', fail);
    socket.once('close', () => fail(new Error(`${broker} closed the connection without an answer`)));
    socket.once('connect', () => socket.write(request));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) return;
      resolve(received.subarray(4, 4 + received.readInt32BE(0)));
      socket.destroy();
    });
  });
}

/**
 * Connects to one nats-server and asks its JetStream for the account, which it answers only if JetStream is
 * up.
 */
export async function probeNats(url: string, timeoutMs = 3000): Promise<NatsAnswer> {
  const connection = await connectNats({ servers: url, reconnect: false, timeout: timeoutMs });
  try {
    const manager = await jetstreamManager(connection, { timeout: timeoutMs });
    await manager.getAccountInfo();
    const { info } = connection;
    if (info === undefined) throw new Error(`${url} did not introduce itself`);
    return { serverName: info.server_name, version: info.version };
  } catch (error) {
    throw new Error(`${url}: a NATS server, but its JetStream does not answer: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    await connection.close();
  }
}
