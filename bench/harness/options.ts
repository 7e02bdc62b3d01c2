/** The command line of the bench. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../scripts/services/common.ts';
import type { RowName } from '../rows/row.ts';
import { RECORD_BYTES } from '../topic/benchTopic.ts';
import { rowNames, rows } from '../rows/rows.ts';

const RECORDS = 10_000_000;
const QUICK_RECORDS = 20_000;

export const usage = `Usage: npm run bench [-- options]

Measures Tidemark against Flink's FileSink, and against itself: the same topic, in turn (A B A B A B), \
on this machine. Prints
medians with their spread and one ratio for each row, and writes bench/results/TIME-ROWS.json. Wants \
Linux, java, javac and mvn
(Kafka, Flink), go (nats-server), and python3 (oss-hdfs). KAFKA_BROKERS and NATS_URL name running servers; \
without them both are started here.

rows, what their ratio divides, and the goal:
${rows.map(rowHelp).join('\n')}

options:
  --only NAMES  these rows, like 'cpu' or 'cpu,memory'; of one, the last line is 'NAME ratio R'
  --against DIR with '--only throughput': this checkout over another one (where 'npm ci' has run) \
instead of over Flink,
                in turn; ratio of records/s, goal >= 0.97
  --records N   records of ${RECORD_BYTES} bytes in the topic (default ${RECORDS}; \
${QUICK_RECORDS} with --quick).
                interval takes as many as last 120 s, whatever is said here
  --rounds N    runs of each side (default 3; 5 for interval and --against; 1 with --quick)
  --quick       a smoke run in seconds, of the sources instead of a build: its figures mean nothing
  --json        print the result as JSON to standard output, instead of text
  --keep        leave what was written in .cache/bench/runs
  --help        this text

Progress goes to standard error. Ctrl-C ends the children; finished rounds are printed and written.
Exit code: 0 when each row gave a ratio, whatever it is; 1 when one did not; \
2 for wrong usage; 130 after Ctrl-C.`;

function rowHelp({ name, ratio, goal }: (typeof rows)[number]): string {
  const bound = 'atLeast' in goal ? `>= ${goal.atLeast}` : `<= 1/${Math.round(1 / goal.atMost)}`;
  return `  ${name.padEnd(13)} ${ratio}: ${bound}`;
}

export class UsageError extends Error {}

export interface BenchOptions {
  /** Null: all rows. */
  readonly only: readonly RowName[] | null;
  readonly records: number;
  /** Null: each row's own default. */
  readonly rounds: number | null;
  readonly isQuick: boolean;
  readonly isJson: boolean;
  readonly isKept: boolean;
  /** Absolute folder of another checkout; null: none. */
  readonly against: string | null;
}

/** Throws UsageError. */
export function readOptions(args: readonly string[]): BenchOptions | 'help' {
  const values = parse(args);
  if (values.help) return 'help';
  const isQuick = values.quick;
  return {
    only: values.only === undefined ? null : values.only.split(',').map(rowNameOf),
    records: countOf('--records', values.records) ?? (isQuick ? QUICK_RECORDS : RECORDS),
    rounds: countOf('--rounds', values.rounds) ?? (isQuick ? 1 : null),
    ...{ isQuick, isJson: values.json, isKept: values.keep },
    against: values.against === undefined ? null : checkoutOf(values.against, values.only),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        against: { type: 'string' },
        records: { type: 'string' },
        rounds: { type: 'string' },
        quick: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

function rowNameOf(text: string): RowName {
  const name = rowNames.find((one) => one === text);
  if (name === undefined) throw new UsageError(`--only: there is no row '${text}': ${rowNames.join(', ')}`);
  return name;
}

/** A checkout that can be built: its dependencies must be installed. */
function checkoutOf(text: string, only: string | undefined): string {
  if (only !== 'throughput') throw new UsageError('--against compares throughput: say --only throughput');
  const folder = path.resolve(text);
  const missing = ['bin/tidemark.js', 'package.json', 'node_modules'].filter(
    (name) => !existsSync(path.join(folder, name)),
  );
  if (missing.length === 0) return folder;
  throw new UsageError(
    `--against ${text}: no checkout where 'npm ci' has run: ${missing.join(', ')} missing`,
  );
}

function countOf(option: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^[1-9]\d{0,9}$/.test(text))
    throw new UsageError(`${option} wants a whole number from 1, not '${text}'`);
  return Number(text);
}
