/** `npm run bench`: see `npm run bench -- --help`, and docs/benchmarks.md. */
import path from 'node:path';
import { checkoutDir, defaultStateDir, logToStderr, messageOf } from '../scripts/services/common.ts';
import { startServices } from '../scripts/services/manage.ts';
import { findCommand } from '../scripts/services/processes.ts';
import type { BenchContext } from './harness/context.ts';
import { benchCacheDir } from './harness/java.ts';
import { readOptions, usage, UsageError, type BenchOptions } from './harness/options.ts';
import { experimentsText, rowText } from './harness/report.ts';
import {
  resultsDir,
  thisMachine,
  versions,
  writeResult,
  type BenchResult,
  type RowResult,
} from './harness/results.ts';
import { isReached, type Row } from './rows/row.ts';
import { throughputAgainst } from './rows/againstCheckout.ts';
import { rows } from './rows/rows.ts';
import { buildPackage, sourcesBin } from './tidemark/build.ts';

/** Programs without which no row can be measured. */
function checkPrerequisites(): void {
  if (process.platform !== 'linux')
    throw new Error('CPU and memory are read from /proc, so this needs Linux');
  const missing = ['java', 'javac', 'mvn'].filter((name) => findCommand(name) === undefined);
  if (missing.length === 0) return;
  throw new Error(
    `not on the PATH: ${missing.join(', ')}. Install a JDK (17 or newer) and Maven: they fetch ` +
      `and run Kafka's tools and Flink`,
  );
}

async function contextFor(options: BenchOptions, signal: AbortSignal): Promise<BenchContext> {
  const log = logToStderr;
  const { kafkaBrokers, natsUrl } = await startServices({
    stateDir: defaultStateDir,
    ...{ env: process.env, log, signal },
  });
  const { records, rounds, isQuick, isKept, against } = options;
  return {
    brokers: kafkaBrokers.split(','),
    ...{ natsUrl, records, rounds, isQuick, isKept, signal, log },
    runsFolder: path.join(benchCacheDir, 'runs'),
    tidemarkBin: isQuick ? sourcesBin() : await buildPackage(log, signal),
    otherBin:
      against === null ? null : isQuick ? sourcesBin(against) : await buildPackage(log, signal, against),
  };
}

async function measureRow(row: Row, context: BenchContext): Promise<RowResult> {
  const { name, ratio: divides, goal } = row;
  try {
    const outcome = await row.run(context);
    return { type: 'measured', name, divides, goal, isReached: isReached(goal, outcome), ...outcome };
  } catch (error) {
    const reason = context.signal.aborted ? 'interrupted' : messageOf(error);
    context.log(`${name}: not measured: ${reason}`);
    return { type: 'missing', name, divides, goal, reason };
  }
}

async function bench(options: BenchOptions, signal: AbortSignal): Promise<BenchResult> {
  checkPrerequisites();
  const startedAt = new Date().toISOString();
  const machine = thisMachine();
  const context = await contextFor(options, signal);
  const { records, rounds, isQuick } = options;
  // The result may be committed, so it must not contain a folder of this machine.
  const against = options.against === null ? null : path.relative(checkoutDir, options.against) || '.';
  const asked =
    against === null
      ? rows.filter(({ name }) => options.only?.includes(name) ?? true)
      : [throughputAgainst(against)];
  const results: RowResult[] = [];
  for (const row of asked) results.push(await measureRow(row, context));
  return {
    ...{ startedAt, endedAt: new Date().toISOString(), isInterrupted: signal.aborted },
    settings: { records, rounds, isQuick, tidemark: isQuick ? 'sources' : 'build', against },
    ...{ machine, versions: await versions(), rows: results },
  };
}

function print(result: BenchResult, isJson: boolean): void {
  const text = isJson
    ? JSON.stringify(result, undefined, 2)
    : `${experimentsText(result.rows)}\n${result.rows.map(rowText).join('\n\n')}`;
  process.stdout.write(`${text}\n`);
}

/** Resolves with the exit code. */
async function main(): Promise<number> {
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort(new Error('interrupted')));
  process.once('SIGTERM', () => interrupt.abort(new Error('interrupted')));
  try {
    const options = readOptions(process.argv.slice(2));
    if (options === 'help') {
      process.stdout.write(`${usage}\n`);
      return 0;
    }
    const result = await bench(options, interrupt.signal);
    if (!options.isQuick)
      logToStderr(`written: ${path.relative(process.cwd(), writeResult(resultsDir, result))}`);
    print(result, options.isJson);
    if (result.isInterrupted) return 130;
    return result.rows.every(({ type }) => type === 'measured') ? 0 : 1;
  } catch (error) {
    if (error instanceof UsageError) {
      logToStderr(`${error.message}\n\n${usage}`);
      return 2;
    }
    logToStderr(`bench: ${interrupt.signal.aborted ? 'interrupted' : messageOf(error)}`);
    return interrupt.signal.aborted ? 130 : 1;
  }
}

process.exitCode = await main();
