import path from 'node:path';

/** The versions that the tests are meant to meet; docker-compose.yml names the same ones. */
export const kafkaVersion = '4.1.1';
export const natsVersion = '2.15.2';

/** What the bench measures against. The Kafka connector is released on its own. */
export const flinkVersion = '2.2.0';
export const flinkKafkaVersion = '5.0.0-2.2';

/** Alibaba's Python client, which judges the OSS server of the tests. */
export const oss2Version = '2.19.1';

export const checkoutDir = path.resolve(import.meta.dirname, '../..');

/** Downloads, shared by everything in this checkout and kept by `stop`. Git ignores `.cache`. */
export const downloadsDir = path.join(checkoutDir, '.cache', 'services', 'downloads');

/** Pids, ports, data and logs of the shared services; `stop` removes it. */
export const defaultStateDir = path.join(checkoutDir, '.cache', 'services', 'run');

export type ServiceName = 'kafka' | 'nats';

export const serviceNames: readonly ServiceName[] = ['kafka', 'nats'];

/** One line of progress for a person. Never standard output: that belongs to the answer. */
export type Log = (line: string) => void;

export const logToStderr: Log = (line) => {
  process.stderr.write(`${line}\n`);
};

/**
 * This machine lacks what it takes to run a service (no Java, no Maven, no Go, a failed download). Tests
 * that need the service are skipped for this reason; every other failure is a failure.
 */
export class ServiceUnavailableError extends Error {
  override name = 'ServiceUnavailableError';
}

/** What went wrong, as one line for a person. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
