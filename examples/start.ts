/**
 * `npm start`: runs the main job with its embedded defaults. Real earthquakes move from a file into part
 * files in ./out; SQLite holds the journal. A second run finds nothing left to do.
 */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { exitCodeOfReport, runWithDisplay } from '../src/cli/commands/run.ts';
import type { JobStatus, RunReport } from '../src/app/contract.ts';
import { EXIT_FAILURE, exitCodeOf } from '../src/cli/exitCodes.ts';
import { processIo } from '../src/cli/main.ts';
import { reportError } from '../src/cli/report.ts';
import { stoppedLines } from '../src/cli/runText.ts';
import { left, right, tableLines } from '../src/cli/table.ts';
import type { JobConfig } from '../src/config/jobConfig.ts';
import { loadJobConfig } from '../src/app/jobFile/loadJobConfig.ts';
import { formatBytes, formatCount, formatNoun } from '../src/telemetry/format.ts';
import { silentLog } from '../src/telemetry/log.ts';
import { earthquakeLines, writeOnce } from './earthquakes.ts';

const checkoutDir = path.resolve(import.meta.dirname, '..');
const OUT = 'out';
const JOB_FILE = 'examples/earthquakes.yaml';
const EVENTS = 'examples/earthquakes.ndjson';
const START_OVER = `To start over: rm -rf ${OUT} .tidemark && npm start`;

interface OutFile {
  readonly name: string;
  readonly records: number;
  readonly bytes: number;
}

async function start(): Promise<number> {
  const io = { ...processIo(process.env), cwd: checkoutDir };
  const events = earthquakeLines();
  writeOnce(path.join(checkoutDir, EVENTS), events.text);
  say(
    `${formatNoun(events.count, 'earthquake')} of one week (US Geological Survey), one a line, in ${EVENTS}`,
  );
  const config = loadJobConfig({ path: JOB_FILE, env: io.env, cwd: io.cwd });
  const report = await runWithDisplay(config, { untilEnd: true, logLevel: 'warn' }, io);
  if (exitCodeOfReport(report) !== 0 || report.reason === 'signal') return explainStop(report);
  const { readStatus } = await io.loadBackend();
  return conclude(report, await readStatus(config, { log: silentLog }), committedFiles(config));
}

function explainStop(report: RunReport): number {
  for (const line of stoppedLines(report)) complain(line);
  if (report.reason === 'signal')
    say('Stopped before the end. Run `npm start` again: it goes on where it was.');
  else complain(START_OVER);
  return exitCodeOfReport(report);
}

/** A reader must find exactly what the journal calls committed. */
function conclude(report: RunReport, status: JobStatus, files: readonly OutFile[]): number {
  const found = files.reduce((sum, { records }) => sum + records, 0);
  const committed = status.partitions.reduce(
    (sum, { recordsRead, recordsSkipped }) => sum + recordsRead - recordsSkipped,
    0,
  );
  if (found !== committed) {
    complain(
      `The journal says that ${formatNoun(committed, 'record')} were committed, but ./${OUT} ` +
        `holds ${formatCount(found)}.`,
    );
    complain(`Somebody changed ./${OUT}; Tidemark never writes again what it has committed. ${START_OVER}`);
    return EXIT_FAILURE;
  }
  say(
    report.recordsCommitted === 0
      ? `nothing new: ${formatNoun(committed, 'record')} were already committed`
      : `committed ${formatNoun(report.recordsCommitted, 'record')}, each exactly once`,
  );
  say(['', ...fileTable(files, found), '', ...nextSteps(files)].join('\n'));
  return exitCodeOfReport(report);
}

function committedFiles(config: JobConfig): OutFile[] {
  const folder = config.sink.uri.replace('file://', '');
  return globSync('**/*', { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      const bytes = readFileSync(file);
      return { name: path.relative(checkoutDir, file), records: countLines(bytes), bytes: bytes.length };
    })
    .filter(({ name }) => !name.split(path.sep).some((segment) => segment.startsWith('.')))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function countLines(bytes: Uint8Array): number {
  return bytes.reduce((count, byte) => (byte === 0x0a ? count + 1 : count), 0);
}

function fileTable(files: readonly OutFile[], total: number): string[] {
  const rows = files.map(({ name, records, bytes }) => [name, formatCount(records), formatBytes(bytes)]);
  const totalRow = [
    'total',
    formatCount(total),
    formatBytes(files.reduce((sum, { bytes }) => sum + bytes, 0)),
  ];
  return tableLines([left('COMMITTED FILE'), right('RECORDS'), right('SIZE')], [...rows, totalRow]);
}

function nextSteps(files: readonly OutFile[]): string[] {
  const folder = path.dirname(files[0]?.name ?? OUT);
  const steps: (readonly [string, string])[] = [
    ['npm start', 'once more: nothing is written twice'],
    [`npx tidemark status ${JOB_FILE}`, 'offsets, epochs and files, from the journal'],
    [`head -n 1 ${folder}/*`, 'an event, as it was read'],
    [
      'npx tidemark run examples/earthquakes-parquet.yaml --until-end',
      'the same as Parquet, with typed columns',
    ],
    ['npx tidemark run examples/earthquakes-zstd.yaml --until-end', 'the same as JSON lines in zstd'],
    ['npm run services -- start', 'a real Kafka and a real NATS on this machine; it prints their addresses'],
    [
      'npx tidemark run examples/clicks.yaml',
      'Kafka to files, once its brokers, servers and sink.path are yours',
    ],
    [`rm -rf ${OUT} ${OUT}-* .tidemark`, 'start over'],
  ];
  const width = Math.max(...steps.map(([command]) => command.length));
  return ['what to try next', ...steps.map(([command, why]) => `  ${command.padEnd(width)}  ${why}`)];
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}

try {
  process.exitCode = await start();
} catch (error) {
  reportError(error, process, false);
  complain(`If the journal and ./${OUT} no longer belong together: ${START_OVER.toLowerCase()}`);
  process.exitCode = exitCodeOf(error);
}
