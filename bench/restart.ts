/**
 * From SIGKILL to the first new record. A coordinator with a long journal is killed while it works and
 * restarted at once. The time ends with the first record that the new process writes to the destination.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { jobName } from '../journal/ids.ts';
import { partitionSubject } from '../journal/subjects.ts';
import { createFileStore } from '../src/stores/local/store.ts';
import { dropStream, makeJournal, openJournal, type JournalKind, type JournalPlace } from './fillJournal.ts';
import { history } from './history.ts';

const SOURCES_BIN = path.resolve(import.meta.dirname, '../bin/tidemark.js');
const PARTITIONS = 4;
const RECORDS_PER_SEND = 100;
const SEND_PAUSE_MS = 20;
const VALUE_BYTES = 161;
/** Checkpoints that the first coordinator completes before it is killed. */
const CHECKPOINTS_BEFORE = 8;
const LOOK_AGAIN_MS = 2;

export interface RestartOptions {
  readonly brokers: string[];
  readonly natsUrl: string;
  readonly journal: JournalKind;
  /** Of the whole journal, spread over the partitions. */
  readonly entries: number;
  readonly kills: number;
  /** The command's file; by default the one that runs the sources. */
  readonly bin?: string;
  readonly onProgress?: (message: string) => void;
}

export interface Restart {
  /** From the signal, and from the start of the new process, to the first record that it writes. */
  readonly fromKillSeconds: number;
  readonly fromStartSeconds: number;
  /** What the new process logged, and when, in milliseconds since its start. */
  readonly phases: readonly { readonly atMs: number; readonly message: string }[];
}

export async function measureRestarts(options: RestartOptions): Promise<Restart[]> {
  const topic = `restart-${process.pid}-${Date.now()}`;
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-restart-'));
  const place: JournalPlace = {
    kind: options.journal,
    path: path.join(folder, 'journal.db'),
    natsUrl: options.natsUrl,
    stream: topic.toUpperCase(),
  };
  const lake = path.join(folder, 'lake');
  const job = writeJob(folder, topic, place, options);
  const producer = new Producer(options.brokers, topic);
  let running: Coordinator | null = null;
  try {
    await producer.createTopic();
    options.onProgress?.(`making a journal of ${options.entries} entries`);
    await makeJournal(place, longHistories(topic, lake, options.entries));
    await makeMarker(place, topic, lake);
    producer.start();
    running = new Coordinator(job, options.bin);
    const restarts: Restart[] = [];
    for (let kill = 0; kill < options.kills; kill += 1) {
      await running.saw('checkpoint completed', CHECKPOINTS_BEFORE);
      const { restart, next } = await killAndRestart(running, () => new Coordinator(job, options.bin), lake);
      running = next;
      options.onProgress?.(`restarted in ${restart.fromKillSeconds.toFixed(2)} s`);
      restarts.push(restart);
    }
    return restarts;
  } finally {
    await running?.kill();
    await producer.stop();
    await dropStream(place);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The destination of a job with such a history has its marker. */
async function makeMarker(place: JournalPlace, topic: string, lake: string): Promise<void> {
  const journal = await openJournal(place, 'existing');
  try {
    await createFileStore().claimMarker(`file://${lake}`, jobName(topic), journal.id);
  } finally {
    await journal.close();
  }
}

async function killAndRestart(
  running: Coordinator,
  startAgain: () => Coordinator,
  lake: string,
): Promise<{ restart: Restart; next: Coordinator }> {
  const killedAtMs = performance.now();
  await running.kill();
  const before = firstLines(lake);
  const startedAtMs = performance.now();
  const next = startAgain();
  while (!next.hasEnded && !hasNewRecord(lake, before)) await delay(LOOK_AGAIN_MS);
  const seenAtMs = performance.now();
  if (next.hasEnded)
    throw new Error(`The coordinator ended:\n${next.log.map(({ text }) => text).join('\n')}`);
  const fromKillSeconds = (seenAtMs - killedAtMs) / 1_000;
  const fromStartSeconds = (seenAtMs - startedAtMs) / 1_000;
  const phases = next.log.map(({ atMs, message }) => ({ atMs: atMs - startedAtMs, message }));
  return { restart: { fromKillSeconds, fromStartSeconds, phases }, next };
}

function longHistories(topic: string, lake: string, entries: number) {
  const job = jobName(topic);
  return new Map(
    Array.from({ length: PARTITIONS }, (_, partition) => [
      partitionSubject(job, { topic, partition }),
      history({
        job,
        partition: { topic, partition },
        entries: Math.ceil(entries / PARTITIONS),
        sinkUri: `file://${lake}`,
        recordsPerCheckpoint: 0,
      }),
    ]),
  );
}

function writeJob(folder: string, topic: string, place: JournalPlace, options: RestartOptions): string {
  const journal =
    place.kind === 'sqlite'
      ? `  sqlite: { path: ${place.path} }`
      : `  nats: { servers: ["${place.natsUrl}"], stream: ${place.stream}, replicas: 1 }`;
  const brokers = options.brokers.map((broker) => `"${broker}"`).join(', ');
  const file = path.join(folder, 'job.yaml');
  writeFileSync(
    file,
    `job: ${topic}
source:
  kafka: { brokers: [${brokers}], topics: [${topic}], groupId: ${topic} }
sink: { path: ${path.join(folder, 'lake')} }
bucket: { by: none }
checkpoint: { interval: 500ms }
journal:
${journal}
`,
  );
  return file;
}

/** The first record of every file; it identifies copies of a file. */
function firstLines(lake: string): ReadonlySet<string> {
  if (!existsSync(lake)) return new Set();
  const names = readdirSync(lake).filter((name) => !name.startsWith('.tidemark/'));
  return new Set(names.flatMap((name) => firstLine(path.join(lake, name)) ?? []));
}

function hasNewRecord(lake: string, before: ReadonlySet<string>): boolean {
  for (const line of firstLines(lake)) if (!before.has(line)) return true;
  return false;
}

/** Null if the file is gone, empty or not a file. */
function firstLine(file: string): string | null {
  const bytes = Buffer.alloc(VALUE_BYTES + 1);
  try {
    const descriptor = openSync(file, 'r');
    try {
      const read = readSync(descriptor, bytes, 0, bytes.length, 0);
      return read === bytes.length ? bytes.toString('latin1') : null;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return null;
  }
}

interface LogLine {
  readonly atMs: number;
  readonly message: string;
  readonly text: string;
}

/** The real command in its own process. */
class Coordinator {
  readonly log: LogLine[] = [];
  hasEnded = false;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #onLine: () => void = () => undefined;

  constructor(job: string, bin = SOURCES_BIN) {
    const child = spawn(process.execPath, [bin, 'run', job, '--log-level', 'debug'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    createInterface({ input: child.stderr }).on('line', (text) => {
      this.log.push({ atMs: performance.now(), message: messageOf(text), text });
      this.#onLine();
    });
    this.#ended = once(child, 'close').then(() => {
      this.hasEnded = true;
      this.#onLine();
    });
  }

  /** Resolves when the message has been logged that often. */
  async saw(message: string, times: number): Promise<void> {
    const isEnough = (): boolean => this.log.filter((line) => line.message === message).length >= times;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#onLine = () => {
      if (this.hasEnded || isEnough()) resolve(undefined);
    };
    this.#onLine();
    await promise;
    this.#onLine = () => undefined;
    if (this.hasEnded)
      throw new Error(`The coordinator ended:\n${this.log.map(({ text }) => text).join('\n')}`);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

function messageOf(text: string): string {
  return text.startsWith('{') ? (JSON.parse(text) as { msg: string }).msg : text;
}

/** Produces numbered records of one length to every partition, until it is stopped. */
class Producer {
  readonly #kafka: Kafka;
  readonly #topic: string;
  #isStopping = false;
  #done: Promise<void> = Promise.resolve();

  constructor(brokers: string[], topic: string) {
    this.#kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
    this.#topic = topic;
  }

  async createTopic(): Promise<void> {
    const admin = this.#kafka.admin();
    await admin.connect();
    await admin.createTopics({
      topics: [{ topic: this.#topic, numPartitions: PARTITIONS }],
      waitForLeaders: true,
    });
    await admin.disconnect();
  }

  start(): void {
    this.#done = this.#produce();
  }

  async #produce(): Promise<void> {
    const producer = this.#kafka.producer();
    await producer.connect();
    for (let count = 0; !this.#isStopping; count += RECORDS_PER_SEND) {
      const messages = Array.from({ length: RECORDS_PER_SEND * PARTITIONS }, (_, index) => {
        const partition = index % PARTITIONS;
        return { partition, value: `${partition}:${count + index}:`.padEnd(VALUE_BYTES, 'x') };
      });
      await producer.send({ topic: this.#topic, messages });
      await delay(SEND_PAUSE_MS);
    }
    await producer.disconnect();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#done;
  }
}
