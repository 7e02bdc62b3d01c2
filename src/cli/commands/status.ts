/** `tidemark status`: the contents of the journal; the job may be running. */
import type { JobConfig } from '../../config/jobConfig.ts';
import { EXIT_OK, exitCodeOf } from '../exitCodes.ts';
import type { JobStatus } from '../../app/contract.ts';
import type { CliIo } from '../io.ts';
import { jsonText, reportError } from '../report.ts';
import { statusText } from '../statusText.ts';
import { parseMoment } from '../moment.ts';
import { quietLog } from '../quietLog.ts';

export async function statusCommand(
  config: JobConfig,
  options: { readonly isJson: boolean; readonly jobFile: string; readonly at?: string },
  io: CliIo,
): Promise<number> {
  const { readStatus } = await io.loadBackend();
  const at = options.at === undefined ? {} : { at: parseMoment('--at', options.at) };
  const status = await readStatus(config, { ...at, log: quietLog(io) });
  const { jobFile } = options;
  io.stdout.write(
    options.isJson ? jsonText(documentOf(status)) : statusText(status, { sinkUri: config.sink.uri, jobFile }),
  );
  if (status.problem === null) return EXIT_OK;
  reportError(status.problem, io, false);
  return exitCodeOf(status.problem);
}

/** The document of `--json`; a problem has the form that every error has there. */
function documentOf({ problem, ...status }: JobStatus) {
  if (problem === null) return status;
  const { code, message, fields } = problem;
  return { ...status, error: { code, message, fields } };
}
