/** `tidemark fuzz`: runs the coordinator in a deterministic world in which everything fails that can. */
import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { text as readText } from 'node:stream/consumers';
import { TidemarkError } from '../../../journal/errors.ts';
import type { JobConfig } from '../../config/jobConfig.ts';
import { parseDuration } from '../../../kernels/schema/units.ts';
import { jobShape } from '../../../sim/job/shape.ts';
import type { FuzzMode } from '../../../sim/report.ts';
import { fuzz, type FuzzProgress } from '../../../sim/runner.ts';
import type { StoreKind } from '../../../sim/schedule.ts';
import { simulatedStore } from '../../../sim/simStores/makeStore.ts';
import { parseSchedule } from '../../../sim/scheduleText.ts';
import { createScreen } from '../../telemetry/screen.ts';
import { EXIT_FAILURE, EXIT_OK, exitCodeOfSignal } from '../exitCodes.ts';
import { fuzzLines, progressText } from '../fuzzText.ts';
import type { CliIo } from '../io.ts';
import { jsonText } from '../report.ts';
import { checkHistoryOptions, historyToFuzz, type FuzzHistoryOptions } from './fuzzHistory.ts';

/** As given on the command line. */
export interface FuzzCommandOptions extends FuzzHistoryOptions {
  readonly runs?: string;
  readonly for?: string;
  readonly exhaustive?: boolean;
  readonly seed?: string;
  readonly schedule?: string;
  readonly job?: string;
  readonly store?: StoreKind;
  readonly json?: boolean;
}

const RUNS_DEFAULT = 1_000;
const STRIKES = 3;
const SEED_MAX = 2 ** 31 - 1;
const REDRAW_MS = 200;
/** If standard error is not a terminal. */
const TOLD_EVERY_MS = 30_000;

/** `config`: from the job file, if one is named. */
export async function fuzzCommand(
  options: FuzzCommandOptions,
  config: JobConfig | null,
  io: CliIo,
): Promise<number> {
  const mode = await modeOf(options, io.cwd);
  const seed =
    mode.type === 'replay'
      ? mode.schedule.seed
      : options.seed === undefined
        ? randomInt(SEED_MAX)
        : wholeNumber('--seed', options.seed, 0);
  const stop = new AbortController();
  const forget = io.onSignal((signal) => {
    if (stop.signal.aborted) io.exitNow(exitCodeOfSignal(signal));
    stop.abort();
  });
  const progress = progressDisplay(io);
  const store =
    mode.type === 'replay'
      ? mode.schedule.config.store
      : (options.store ?? simulatedStore(config?.sink.type ?? 'file'));
  try {
    const history =
      mode.type === 'history' && config !== null
        ? await historyToFuzz(options, config, { store, seed }, io)
        : null;
    const report = await fuzz({
      ...{ mode, seed, store },
      ...(history === null ? {} : { history }),
      job: history?.of.settings.job ?? (config === null ? null : jobShape(config)),
      ...{ nowMs: io.nowMs, signal: stop.signal, onProgress: progress.update },
    });
    progress.end();
    io.stdout.write(options.json === true ? jsonText(report) : text(fuzzLines(report)));
    return report.verdict === 'held' ? EXIT_OK : EXIT_FAILURE;
  } finally {
    progress.end();
    forget();
  }
}

async function modeOf(options: FuzzCommandOptions, cwd: string): Promise<FuzzMode> {
  const { runs, for: duration, exhaustive, schedule, fromJournal } = options;
  checkHistoryOptions(options);
  const given = [runs, duration, schedule, exhaustive === true ? '' : undefined];
  if (given.filter((one) => one !== undefined).length > 1)
    throw usage('--runs, --for, --schedule and --exhaustive: choose one');
  if (schedule !== undefined) {
    const without = (['seed', 'store', 'job'] as const).find((name) => options[name] !== undefined);
    if (without !== undefined) throw usage(`--${without}: the --schedule says it all; leave it out`);
    return { type: 'replay', schedule: parseSchedule(await readSchedule(schedule, cwd), schedule) };
  }
  if (exhaustive === true) return { type: 'exhaustive', strikes: STRIKES };
  if (duration !== undefined) {
    const parsed = parseDuration(duration);
    if (parsed.type === 'invalid') throw usage(`--for ${duration}: ${parsed.reason}`);
    return { type: 'time', forMs: parsed.value };
  }
  const drawn = runs === undefined ? RUNS_DEFAULT : wholeNumber('--runs', runs, 1);
  return { type: fromJournal === undefined ? 'runs' : 'history', runs: drawn };
}

/** Reads the file; `-` is standard input. */
async function readSchedule(file: string, cwd: string): Promise<string> {
  if (file === '-') return readText(process.stdin);
  try {
    return await readFile(path.resolve(cwd, file), 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TidemarkError('USAGE', `--schedule ${file}: cannot be read: ${reason}`, { cause });
  }
}

function wholeNumber(option: string, given: string, min: number): number {
  const number = /^\d{1,10}$/.test(given) ? Number(given) : NaN;
  if (number >= min && number <= SEED_MAX) return number;
  throw usage(`${option} ${given}: expected a whole number from ${min} to ${SEED_MAX}`);
}

function usage(message: string): TidemarkError {
  return new TidemarkError('USAGE', message);
}

interface ProgressDisplay {
  readonly update: (progress: FuzzProgress) => void;
  readonly end: () => void;
}

/** A line redrawn on a terminal, an occasional line elsewhere. */
function progressDisplay({ stderr, nowMs }: CliIo): ProgressDisplay {
  const startedMs = nowMs();
  const screen = stderr.isTTY === true ? createScreen(stderr) : null;
  const everyMs = screen === null ? TOLD_EVERY_MS : REDRAW_MS;
  let what: FuzzProgress['what'] | null = null;
  let [begunMs, toldMs] = [startedMs, startedMs];
  return {
    update(progress) {
      const now = nowMs();
      const isNew = progress.what !== what;
      if (isNew) begunMs = now;
      what = progress.what;
      if (now - toldMs < everyMs && !(isNew && screen !== null)) return;
      toldMs = now;
      const line = progressText(progress, (now - begunMs) / 1_000);
      if (screen === null) stderr.write(`${line}\n`);
      else screen.setLine(line);
    },
    end: () => screen?.setLine(null),
  };
}

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
