/** The document of one bench run: the figures, and everything needed to judge them. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import path from 'node:path';
import {
  checkoutDir,
  flinkKafkaVersion,
  flinkOssKafkaVersion,
  flinkOssVersion,
  flinkVersion,
  kafkaVersion,
  natsVersion,
} from '../../scripts/services/common.ts';
import { findCommand, runCommand } from '../../scripts/services/processes.ts';
import { VERSION } from '../../src/system/version.ts';
import type { Row, RowName, RowOutcome } from '../rows/row.ts';

export const resultsDir = path.join(checkoutDir, 'bench', 'results');

export type RowResult = {
  readonly name: RowName;
  /** What is divided by what. */
  readonly divides: string;
  readonly goal: Row['goal'];
} & (
  | ({ readonly type: 'measured'; readonly isReached: boolean } & RowOutcome)
  /** Why there is no figure. */
  | { readonly type: 'missing'; readonly reason: string }
);

export interface BenchResult {
  readonly startedAt: string;
  readonly endedAt: string;
  /** By Ctrl-C; rounds that finished before are included. */
  readonly isInterrupted: boolean;
  readonly settings: Readonly<Record<string, string | number | boolean | null>>;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly rows: readonly RowResult[];
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  /** Load average of the last minute before the bench: what else kept the machine busy. */
  readonly loadBefore: number;
}

export function thisMachine(): Machine {
  const [first] = cpus();
  return {
    cpu: first?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    loadBefore: loadavg()[0] ?? 0,
  };
}

/** The versions of Kafka and NATS that the bench fetches; servers named by variables may have others. */
export async function versions(): Promise<Record<string, string>> {
  const commit = await firstLineOf('git', ['-C', checkoutDir, 'rev-parse', 'HEAD']);
  const changes = await firstLineOf('git', [
    '-C',
    checkoutDir,
    'status',
    '--porcelain',
    '--untracked-files=no',
  ]);
  const { version: kafkajs } = JSON.parse(
    readFileSync(path.join(checkoutDir, 'node_modules/kafkajs/package.json'), 'utf8'),
  ) as { version: string };
  return {
    tidemark: VERSION,
    commit: changes === '' ? commit : `${commit} and changes that are not committed`,
    node: process.versions.node,
    ...{ kafkajs, kafka: kafkaVersion, nats: natsVersion },
    ...{ flink: flinkVersion, flinkKafkaConnector: flinkKafkaVersion },
    ...{ flinkOss: flinkOssVersion, flinkOssKafkaConnector: flinkOssKafkaVersion },
    java: await firstLineOf('java', ['-version']),
  };
}

/** First line that a command prints on either output; `unknown` if the command is missing. */
async function firstLineOf(command: string, args: readonly string[]): Promise<string> {
  if (findCommand(command) === undefined) return 'unknown';
  const { stdout, stderr } = await runCommand(command, args);
  return (stdout === '' ? stderr : stdout).split('\n')[0] ?? '';
}

/** Returns the file's path. Each run has its own file, named by its time and its rows. */
export function writeResult(folder: string, result: BenchResult): string {
  mkdirSync(folder, { recursive: true });
  const time = result.startedAt.replaceAll(/[-:]|\.\d+/g, '');
  const which = result.rows.length === 1 ? (result.rows[0]?.name ?? '') : 'all';
  const file = path.join(folder, `${time}-${which}.json`);
  writeFileSync(file, `${JSON.stringify(result, undefined, 2)}\n`);
  return file;
}
