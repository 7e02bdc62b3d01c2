/** `tidemark doctor`: what a user runs first against real services. */
import type { DoctorProgress, DoctorReport } from '../../app/doctor/doctorReport.ts';
import type { JobConfig } from '../../config/jobConfig.ts';
import { createScreen } from '../../telemetry/screen.ts';
import { doctorText } from '../doctorText.ts';
import { EXIT_FAILURE, EXIT_OK, EXIT_UNFINISHED, exitCodeOfSignal } from '../exitCodes.ts';
import type { CliIo, StopSignal } from '../io.ts';
import { occasionally } from '../occasionally.ts';
import { quietLog } from '../quietLog.ts';
import { jsonText } from '../report.ts';

/** How long cleaning up may take after a signal. */
const END_LIMIT_MS = 20_000;

/** The first signal ends the checks and waits until what they made is removed; the second one does not. */
export async function doctorCommand(
  config: JobConfig,
  options: { readonly isJson: boolean; readonly jobFile: string },
  io: CliIo,
): Promise<number> {
  const { examineJob } = await io.loadBackend();
  const stop = new AbortController();
  const stopped: { by: StopSignal | null } = { by: null };
  const forget = io.onSignal((signal) => {
    if (stopped.by !== null) io.exitNow(exitCodeOfSignal(signal));
    stopped.by = signal;
    io.endWithin(END_LIMIT_MS, () => exitCodeOfSignal(signal));
    stop.abort();
  });
  const display = progressDisplay(io);
  try {
    const report = await examineJob(config, {
      log: quietLog(io),
      signal: stop.signal,
      onProgress: display.update,
    });
    display.end();
    io.stdout.write(options.isJson ? jsonText(report) : doctorText(report, options.jobFile));
    return stopped.by === null ? exitCodeOfReport(report) : exitCodeOfSignal(stopped.by);
  } finally {
    display.end();
    forget();
  }
}

/** A failure weighs more than a check that could not be done: somebody has to do something. */
function exitCodeOfReport({ counts, leftovers }: DoctorReport): number {
  if (counts.fail > 0 || leftovers.length > 0) return EXIT_FAILURE;
  return counts.notDone > 0 ? EXIT_UNFINISHED : EXIT_OK;
}

/** A line that is redrawn on a terminal, a line now and then elsewhere. */
function progressDisplay(io: CliIo) {
  const screen = io.stderr.isTTY === true ? createScreen(io.stderr) : null;
  const say = occasionally(io);
  return {
    update: (progress: DoctorProgress): void => {
      if (screen === null) say(() => progressLine(progress));
      else screen.setLine(progressLine(progress));
    },
    end: () => screen?.setLine(null),
  };
}

function progressLine({ done, total, running }: DoctorProgress): string {
  return `checking: ${done} of ${total} done${running.length === 0 ? '' : `, now ${running.join(', ')}`}`;
}
