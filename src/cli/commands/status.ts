/** `tidemark status`: what the journal says, also while the job runs. */
import type { JobConfig } from '../../config/jobConfig.ts';
import { EXIT_OK } from '../exitCodes.ts';
import type { CliIo } from '../io.ts';
import { jsonText } from '../report.ts';
import { statusText } from '../statusText.ts';
import { quietLog } from '../quietLog.ts';

export async function statusCommand(
  config: JobConfig,
  options: { readonly isJson: boolean; readonly jobFile: string },
  io: CliIo,
): Promise<number> {
  const { readStatus } = await io.loadBackend();
  const status = await readStatus(config, { log: quietLog(io) });
  const { jobFile } = options;
  io.stdout.write(
    options.isJson ? jsonText(status) : statusText(status, { sinkUri: config.sink.uri, jobFile }),
  );
  return EXIT_OK;
}
