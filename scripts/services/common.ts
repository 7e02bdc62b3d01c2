import path from 'node:path';

/** The versions that the tests run against; both docker-compose.yml name the same ones. */
export const kafkaVersion = '4.1.1';
export const natsVersion = '2.15.2';

/** Of Prometheus' Go module: v0.316 is Prometheus 3.16. */
export const prometheusVersion = '0.316.0';
export const helmVersion = '3.22.0';
export const kubernetesValidateVersion = '1.37.0';

/** What the benchmark compares against. The Kafka connector has its own releases. */
export const flinkVersion = '2.2.0';
export const flinkKafkaVersion = '5.0.0-2.2';
/** The last Flink that has a file system for OSS, and the connector's release for it. */
export const flinkOssVersion = '1.20.0';
export const flinkOssKafkaVersion = '3.4.0-1.20';
/** The one that flink-parquet is built with. */
export const parquetJavaVersion = '1.15.2';
export const hadoopVersion = '3.4.1';

/** Alibaba's Python client, against which the tests check their OSS server. */
export const oss2Version = '2.19.1';

/** Readers of Parquet, against which the tests check the files that Tidemark writes. */
export const duckdbVersion = '2.0.1';
export const pyarrowVersion = '26.0.1';

export const checkoutDir = path.resolve(import.meta.dirname, '../..');

/** Downloads, shared by everything in this checkout; `stop` keeps them. Git ignores `.cache`. */
export const downloadsDir = path.join(checkoutDir, '.cache', 'services', 'downloads');

/** Pids, ports, data and logs of the shared services; `stop` removes it. */
export const defaultStateDir = path.join(checkoutDir, '.cache', 'services', 'run');

export type ServiceName = 'kafka' | 'nats';

export const serviceNames: readonly ServiceName[] = ['kafka', 'nats'];

/** One line of progress for people. Never on standard output, which carries only the answer. */
export type Log = (line: string) => void;

export const logToStderr: Log = (line) => {
  process.stderr.write(`${line}\n`);
};

/**
 * This machine lacks what a service needs (no Java, no Maven, no Go, a failed download). Tests that need the
 * service are skipped for this reason; every other failure is a failure.
 */
export class ServiceUnavailableError extends Error {
  override name = 'ServiceUnavailableError';
}

/** The error as one line for people. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
