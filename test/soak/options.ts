/** The command line of the soak. */
import { parseArgs } from 'node:util';
import { randomInt } from 'node:crypto';
import { messageOf } from '../../scripts/services/common.ts';

const SEED_MAX = 2 ** 31 - 1;

export const usage = `Usage: npm run soak -- --minutes N [options]

Several coordinators of one job move numbered records from a real Kafka to files, with their journal in
a real NATS, under random faults: processes and servers are killed and paused, connections are cut or
swallow all data, the disk fills, the journal is restored from an older backup and an operator answers.
At the end a reader that does not use the journal counts every record; only records that an answer gave
up may be missing.

options:
  --minutes N        how long there are faults
  --seed S           which faults, and when (default: drawn; printed, so that a run can repeat them)
  --coordinators N   processes that share the job (default 3)
  --cluster          three Kafka brokers and three nats-servers instead of one of each: the next one fails
                     only when the last one holds again what the others hold (no unclean election)
  --only NAME        one kind of fault only
  --json             the result as one JSON document on standard output
  --keep             leaves the folder with the files, logs and journal
  --help             this text

Progress goes to standard error. Ctrl-C ends the faults and counts what is there.
Exit code: 0 if every record is there once and memory and handles stayed flat, 1 if not, 2 for wrong
usage.`;

export class UsageError extends Error {}

export interface SoakOptions {
  readonly durationMs: number;
  readonly seed: number;
  readonly coordinators: number;
  readonly isCluster: boolean;
  readonly only: string | null;
  readonly isJson: boolean;
  readonly isKept: boolean;
}

/** Throws UsageError. */
export function readOptions(args: readonly string[], kinds: readonly string[]): SoakOptions | 'help' {
  const values = parse(args);
  if (values.help) return 'help';
  if (values.minutes === undefined) throw new UsageError('--minutes N: for how long?');
  const only = values.only ?? null;
  if (only !== null && !kinds.includes(only))
    throw new UsageError(`--only: there is no fault '${only}': ${kinds.join(', ')}`);
  return {
    durationMs: numberOf('--minutes', values.minutes, /^\d{1,4}(\.\d{1,3})?$/) * 60_000,
    seed: values.seed === undefined ? randomInt(SEED_MAX) : numberOf('--seed', values.seed, /^\d{1,10}$/),
    coordinators: numberOf('--coordinators', values.coordinators, /^[1-9]$/),
    ...{ only, isCluster: values.cluster, isJson: values.json, isKept: values.keep },
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        minutes: { type: 'string' },
        seed: { type: 'string' },
        coordinators: { type: 'string', default: '3' },
        cluster: { type: 'boolean', default: false },
        only: { type: 'string' },
        json: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

function numberOf(option: string, text: string, pattern: RegExp): number {
  if (pattern.test(text)) return Number(text);
  throw new UsageError(`${option} ${text}: not a number that fits`);
}
