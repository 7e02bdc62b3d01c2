/** `tidemark explain`: the life of one record or one file, in plain words. */
import type { ExplainOptions } from '../../app/history.ts';
import type { JobConfig } from '../../config/jobConfig.ts';
import { explainText } from '../explainText.ts';
import { EXIT_OK } from '../exitCodes.ts';
import type { CliIo } from '../io.ts';
import { journalChoice } from '../journalFile.ts';
import { quietLog } from '../quietLog.ts';
import { jsonText } from '../report.ts';
import { parseRecord } from './request.ts';

export async function explainCommand(
  config: JobConfig,
  what: string,
  { journal, isJson }: { readonly journal: string | undefined; readonly isJson: boolean },
  io: CliIo,
): Promise<number> {
  const subject = parseSubject(what);
  const { explain } = await io.loadBackend();
  const explained = await explain(config, {
    ...{ subject, log: quietLog(io) },
    ...journalChoice(journal, io),
  });
  io.stdout.write(isJson ? jsonText(explained) : explainText(explained));
  return EXIT_OK;
}

/** `clicks/0@123456` is a record; everything else names a file. Throws USAGE. */
export function parseSubject(what: string): ExplainOptions['subject'] {
  if (/@\d*$/.test(what)) return { type: 'record', ...parseRecord(what) };
  return { type: 'file', name: what };
}
