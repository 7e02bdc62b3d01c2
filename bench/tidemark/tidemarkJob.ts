/** Tidemark as a contestant: the real command, Kafka to files, with its journal in JetStream. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { stringify } from 'yaml';

export interface TidemarkJob {
  readonly brokers: readonly string[];
  readonly natsUrl: string;
  readonly topic: string;
  /** Name of the job, its consumer group and its stream; a new one for each run. */
  readonly name: string;
  /** Receives the job file, and `out` if no other sink is given. */
  readonly folder: string;
  readonly checkpointMs: number;
  /** Pattern of the record's time; without one there are no buckets. */
  readonly bucketPattern?: string;
  /** The job file's `sink`. */
  readonly sink?: Readonly<Record<string, unknown>>;
  /** More of the job file; a `sink` among them is added to that one. */
  readonly keys?: Readonly<Record<string, unknown>>;
}

/**
 * Writes the job file and returns its path. Rolling is Flink's default, so that both write files of one size.
 */
export function writeJobFile(job: TidemarkJob): string {
  const {
    brokers,
    natsUrl,
    topic,
    name,
    folder,
    checkpointMs,
    bucketPattern,
    sink = { path: 'out' },
    keys = {},
  } = job;
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'job.yaml');
  const document = {
    job: name,
    source: { kafka: { brokers, topics: [topic], groupId: name } },
    bucket: bucketPattern === undefined ? { by: 'none' } : { by: 'record-time', pattern: bucketPattern },
    roll: { maxBytes: '128MiB', maxAge: '60s', maxIdle: '60s' },
    checkpoint: { interval: `${checkpointMs}ms` },
    journal: { nats: { servers: [natsUrl], stream: name } },
    ...keys,
    sink: { ...sink, ...(keys['sink'] as object | undefined) },
  };
  writeFileSync(file, stringify(document));
  return file;
}

/** Deletes what a run leaves in NATS. It would not disturb other runs, but disks are finite. */
export async function deleteStream(natsUrl: string, stream: string): Promise<void> {
  const connection = await connect({ servers: natsUrl });
  try {
    const manager = await jetstreamManager(connection);
    for await (const name of manager.streams.names()) {
      if (name === stream || name === `${stream}_SNAPSHOTS`) await manager.streams.delete(name);
    }
  } finally {
    await connection.close();
  }
}
