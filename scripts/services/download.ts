import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  downloadsDir,
  duckdbVersion,
  flinkKafkaVersion,
  flinkOssKafkaVersion,
  flinkOssVersion,
  parquetJavaVersion,
  helmVersion,
  kubernetesValidateVersion,
  prometheusVersion,
  flinkVersion,
  hadoopVersion,
  kafkaVersion,
  type Log,
  messageOf,
  natsVersion,
  oss2Version,
  pyarrowVersion,
  ServiceUnavailableError,
} from './common.ts';
import { findCommand, processIdentity, runCommand } from './processes.ts';

const guavaVersion = '33.3.1-jre';
const slf4jVersion = '1.7.36'; // the version that Kafka's own jars are built against
const dependencyPlugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1';

const kafkaDir = path.join(downloadsDir, `kafka-${kafkaVersion}`);
const flinkDir = path.join(downloadsDir, `flink-${flinkVersion}`);
const flinkOssDir = path.join(downloadsDir, `flink-oss-${flinkOssVersion}`);
const flinkFormatsDir = path.join(downloadsDir, `flink-formats-${flinkVersion}`);
const parquetJavaDir = path.join(downloadsDir, `parquet-cli-${parquetJavaVersion}`);
const natsDir = path.join(downloadsDir, `nats-server-${natsVersion}`);
const helmDir = path.join(downloadsDir, `helm-${helmVersion}`);
const kubernetesValidateDir = path.join(downloadsDir, `kubernetes-validate-${kubernetesValidateVersion}`);
const promtoolDir = path.join(downloadsDir, `promtool-${prometheusVersion}`);
const oss2Dir = path.join(downloadsDir, `oss2-${oss2Version}`);
const parquetReadersDir = path.join(downloadsDir, `duckdb-${duckdbVersion}-pyarrow-${pyarrowVersion}`);

type Download = {
  readonly what: string;
  readonly targetDir: string;
  /** Commands needed to fetch it, and those needed every time it runs. */
  readonly fetchedWith: readonly string[];
  readonly runWith: readonly string[];
  readonly fetch: (
    dir: string,
    onLine: (line: string) => void,
    signal: AbortSignal | undefined,
  ) => Promise<void>;
};

const kafkaDownload: Download = {
  what: `Kafka ${kafkaVersion} (about 54 MB through Maven)`,
  targetDir: kafkaDir,
  fetchedWith: ['mvn'],
  runWith: ['java'],
  fetch: (dir, onLine, signal) =>
    copyJars(
      dir,
      [
        dependency('org.apache.kafka', 'kafka_2.13', kafkaVersion),
        dependency('org.apache.kafka', 'kafka-tools', kafkaVersion),
        dependency('org.slf4j', 'slf4j-simple', slf4jVersion),
      ],
      onLine,
      signal,
    ),
};

const natsDownload: Download = {
  what: `nats-server ${natsVersion} (built by Go)`,
  targetDir: natsDir,
  fetchedWith: ['go'],
  runWith: [],
  fetch: async (dir, onLine, signal) => {
    const args = ['install', '-v', `github.com/nats-io/nats-server/v2@v${natsVersion}`];
    await runCommand('go', args, { env: { GOBIN: dir }, onLine, signal });
  },
};

/** What judges the alert rules. The build takes minutes, and more than a GB of memory. */
const promtoolDownload: Download = {
  what: `promtool ${prometheusVersion} (built by Go)`,
  targetDir: promtoolDir,
  fetchedWith: ['go'],
  runWith: [],
  fetch: async (dir, onLine, signal) => {
    const args = ['install', '-v', `github.com/prometheus/prometheus/cmd/promtool@v${prometheusVersion}`];
    await runCommand('go', args, { env: { GOBIN: dir }, onLine, signal });
  },
};

/** What judges the chart. The build takes minutes. */
const helmDownload: Download = {
  what: `Helm ${helmVersion} (built by Go)`,
  targetDir: helmDir,
  fetchedWith: ['go'],
  runWith: [],
  fetch: async (dir, onLine, signal) => {
    const args = ['install', '-v', `helm.sh/helm/v3/cmd/helm@v${helmVersion}`];
    await runCommand('go', args, { env: { GOBIN: dir }, onLine, signal });
  },
};

const kubernetesValidateDownload: Download = {
  what: `kubernetes-validate ${kubernetesValidateVersion} (about 22 MB through pip)`,
  targetDir: kubernetesValidateDir,
  fetchedWith: ['python3'],
  runWith: ['python3'],
  fetch: (dir, onLine, signal) =>
    pipInstall(dir, [`kubernetes-validate==${kubernetesValidateVersion}`], onLine, signal),
};

const oss2Download: Download = {
  what: `oss2 ${oss2Version} (through pip)`,
  targetDir: oss2Dir,
  fetchedWith: ['python3'],
  runWith: ['python3'],
  fetch: (dir, onLine, signal) => pipInstall(dir, [`oss2==${oss2Version}`], onLine, signal),
};

const parquetReadersDownload: Download = {
  what: `DuckDB ${duckdbVersion} and pyarrow ${pyarrowVersion} (about 80 MB through pip)`,
  targetDir: parquetReadersDir,
  fetchedWith: ['python3'],
  runWith: ['python3'],
  fetch: (dir, onLine, signal) =>
    pipInstall(dir, [`duckdb==${duckdbVersion}`, `pyarrow==${pyarrowVersion}`], onLine, signal),
};

async function pipInstall(
  dir: string,
  packages: readonly string[],
  onLine: (line: string) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '--target', dir];
  await runCommand('python3', [...pip, ...packages], { onLine, signal });
}

/** What the benchmark compares against: Flink with its Kafka source and its file sink, run in one process. */
const flinkDownload: Download = {
  what: `Flink ${flinkVersion} (about 84 MB through Maven)`,
  targetDir: flinkDir,
  fetchedWith: ['mvn'],
  runWith: ['java', 'javac'],
  fetch: (dir, onLine, signal) => copyJars(dir, flinkJob(flinkVersion, flinkKafkaVersion), onLine, signal),
};

/** A job's jars: the Kafka source, the file sink, and what runs them in one process. */
const flinkJob = (flink: string, kafkaConnector: string): string[] => [
  ...['flink-streaming-java', 'flink-clients', 'flink-connector-base', 'flink-connector-files'].map(
    (artifact) => dependency('org.apache.flink', artifact, flink),
  ),
  dependency('org.apache.flink', 'flink-connector-kafka', kafkaConnector),
  dependency('org.slf4j', 'slf4j-simple', slf4jVersion),
];

/**
 * A Flink with its file system for OSS. On the class path, not in a folder of plugins: a plugin cannot go on
 * with a part file, since Hadoop does not find its own local file system there.
 */
const flinkOssDownload: Download = {
  what: `Flink ${flinkOssVersion} with its file system for OSS (about 107 MB through Maven)`,
  targetDir: flinkOssDir,
  fetchedWith: ['mvn'],
  runWith: ['java', 'javac'],
  fetch: (dir, onLine, signal) => {
    const fileSystem = dependency('org.apache.flink', 'flink-oss-fs-hadoop', flinkOssVersion);
    return copyJars(dir, [...flinkJob(flinkOssVersion, flinkOssKafkaVersion), fileSystem], onLine, signal);
  },
};

/** What Flink's file sink needs besides for compressed files and for Parquet. */
const flinkFormatsDownload: Download = {
  what: `Flink's Parquet and its compression ${flinkVersion} (about 80 MB through Maven)`,
  targetDir: flinkFormatsDir,
  fetchedWith: ['mvn'],
  runWith: ['java', 'javac'],
  fetch: (dir, onLine, signal) =>
    copyJars(
      dir,
      [
        dependency('org.apache.flink', 'flink-parquet', flinkVersion),
        dependency('org.apache.parquet', 'parquet-avro', parquetJavaVersion),
        ...hadoopClient(),
      ],
      onLine,
      signal,
    ),
};

/**
 * A judge of Parquet files: parquet-java with its command line, parquet-cli, and what that needs of Hadoop.
 */
const parquetJavaDownload: Download = {
  what: `parquet-cli ${parquetJavaVersion} (about 80 MB through Maven)`,
  targetDir: parquetJavaDir,
  fetchedWith: ['mvn'],
  runWith: ['java'],
  fetch: (dir, onLine, signal) =>
    copyJars(
      dir,
      [
        dependency('org.apache.parquet', 'parquet-cli', parquetJavaVersion),
        ...hadoopClient(),
        // It names none of these itself.
        dependency('com.google.guava', 'guava', guavaVersion),
        dependency('org.slf4j', 'slf4j-reload4j', slf4jVersion),
      ],
      onLine,
      signal,
    ),
};

/** Fills `jars` in that folder with these dependencies and their transitive ones. */
async function copyJars(
  dir: string,
  dependencies: readonly string[],
  onLine: (line: string) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tidemark</groupId>
  <artifactId>jars</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>${dependencies.join('\n')}</dependencies>
</project>
`;
  await writeFile(path.join(dir, 'pom.xml'), pom);
  const goal = `${dependencyPlugin}:copy-dependencies`;
  const args = ['-B', goal, '-DincludeScope=runtime', '-DoutputDirectory=jars'];
  await runCommand('mvn', args, { cwd: dir, onLine, signal });
}

function dependency(group: string, artifact: string, version: string): string {
  const name = `<groupId>${group}</groupId><artifactId>${artifact}</artifactId>`;
  return `<dependency>${name}<version>${version}</version></dependency>`;
}

/** What parquet-java needs of Hadoop. */
const hadoopClient = (): string[] =>
  ['hadoop-client-api', 'hadoop-client-runtime'].map((artifact) =>
    dependency('org.apache.hadoop', artifact, hadoopVersion),
  );

/** The class path of what `copyJars` has fetched. */
async function ensureJars(download: Download, log: Log, signal?: AbortSignal): Promise<string> {
  await ensure(download, log, signal);
  return path.join(download.targetDir, 'jars', '*');
}

/** The class path of Kafka's own jars, which are fetched first if missing. */
export const ensureKafkaJars = (log: Log, signal?: AbortSignal): Promise<string> =>
  ensureJars(kafkaDownload, log, signal);

/** The class path of the Flink that the benchmark uses, which is fetched first if missing. */
export const ensureFlinkJars = (log: Log, signal?: AbortSignal): Promise<string> =>
  ensureJars(flinkDownload, log, signal);

/** The class path of a Flink that can write to OSS, which is fetched first if missing. */
export const ensureFlinkOssJars = (log: Log, signal?: AbortSignal): Promise<string> =>
  ensureJars(flinkOssDownload, log, signal);

/** The class path of what Flink needs for other formats than text, which is fetched first if missing. */
export const ensureFlinkFormatJars = (log: Log, signal?: AbortSignal): Promise<string> =>
  ensureJars(flinkFormatsDownload, log, signal);

/** The class path of parquet-cli, which is fetched first if missing. */
export const ensureParquetJava = (log: Log, signal?: AbortSignal): Promise<string> =>
  ensureJars(parquetJavaDownload, log, signal);

/** The nats-server binary, built first if missing. */
export async function ensureNatsServer(log: Log, signal?: AbortSignal): Promise<string> {
  await ensure(natsDownload, log, signal);
  return path.join(natsDir, 'nats-server');
}

/** The promtool binary, built first if missing. */
export async function ensurePromtool(log: Log, signal?: AbortSignal): Promise<string> {
  await ensure(promtoolDownload, log, signal);
  return path.join(promtoolDir, 'promtool');
}

/** The Helm binary, built first if missing. */
export async function ensureHelm(log: Log, signal?: AbortSignal): Promise<string> {
  await ensure(helmDownload, log, signal);
  return path.join(helmDir, 'helm');
}

/** The folder to put on PYTHONPATH for the schemas of Kubernetes, fetched first if missing. */
export async function ensureKubernetesValidate(log: Log, signal?: AbortSignal): Promise<string> {
  await ensure(kubernetesValidateDownload, log, signal);
  return kubernetesValidateDir;
}

/** The folder to put on PYTHONPATH for Alibaba's Python client of OSS, fetched first if missing. */
export async function ensureOss2(log: Log, signal?: AbortSignal): Promise<string> {
  await ensure(oss2Download, log, signal);
  return oss2Dir;
}

/** The folder to put on PYTHONPATH for DuckDB and pyarrow, fetched first if missing. */
export async function ensureParquetReaders(log: Log, signal?: AbortSignal): Promise<string> {
  await ensure(parquetReadersDownload, log, signal);
  return parquetReadersDir;
}

/** Why this machine cannot run its own servers; undefined if it can. */
export function missingTools(): string | undefined {
  const missing = [kafkaDownload, natsDownload].flatMap(missingFor);
  return missing.length === 0 ? undefined : `not on the PATH: ${missing.join(', ')}`;
}

function missingFor({ targetDir, fetchedWith, runWith }: Download): string[] {
  const needed = existsSync(targetDir) ? runWith : [...fetchedWith, ...runWith];
  return needed.filter((name) => findCommand(name) === undefined);
}

async function ensure(download: Download, log: Log, signal: AbortSignal | undefined): Promise<void> {
  const { what, targetDir } = download;
  const missing = missingFor(download);
  if (missing.length > 0) {
    throw new ServiceUnavailableError(
      `${what} cannot be had: not on the PATH: ${missing.join(', ')} ` +
        `(without a container engine the services take java, mvn and go)`,
    );
  }
  if (existsSync(targetDir)) return;
  await mkdir(downloadsDir, { recursive: true });
  await removeAbandoned();
  // Filled under a temporary name and renamed when complete, so that a partial download is never used.
  const dir = await mkdtemp(`${targetDir}.partial-${String(process.pid)}-`);
  const progress = reportProgress(what, log);
  try {
    await download.fetch(dir, progress.onLine, signal);
    await rename(dir, targetDir);
    progress.done();
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    if (existsSync(targetDir)) return; // another process was faster
    signal?.throwIfAborted();
    throw new ServiceUnavailableError(`${what} cannot be had: ${messageOf(error)}`, { cause: error });
  } finally {
    progress.stop();
  }
}

function reportProgress(what: string, log: Log) {
  const startedAt = Date.now();
  const seconds = (): string => `${String(Math.round((Date.now() - startedAt) / 1000))} s`;
  let steps = 0;
  log(`getting ${what} ...`);
  const timer = setInterval(() => log(`getting ${what}: ${String(steps)} steps, ${seconds()}`), 5000);
  return {
    onLine: (line: string) => {
      // Maven prints one line per file. Go prints one line per module, then one per package.
      if (!line.includes('Downloading from')) steps++;
    },
    done: () => log(`got ${what} in ${seconds()}`),
    stop: () => clearInterval(timer),
  };
}

/** Removes the leftovers of downloads that were killed. */
async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(downloadsDir)) {
    const pid = /\.partial-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || processIdentity(Number(pid)) !== undefined) continue;
    await rm(path.join(downloadsDir, name), { recursive: true, force: true });
  }
}
