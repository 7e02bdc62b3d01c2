/** `tidemark roll | resume | accept-loss | accept-truncation`: requests that the owner of the partition journals and carries out. */
import { TidemarkError } from '../../../journal/errors.ts';
import { partitionName, type TopicPartition } from '../../../journal/ids.ts';
import type { JobConfig } from '../../config/jobConfig.ts';
import { formatNoun } from '../../telemetry/format.ts';
import type { RequestOrder } from '../contract.ts';
import { EXIT_OK } from '../exitCodes.ts';
import type { CliIo } from '../io.ts';
import { quietLog } from '../quietLog.ts';
import { jsonText } from '../report.ts';

export async function requestCommand(
  config: JobConfig,
  order: RequestOrder,
  options: { readonly isJson: boolean; readonly jobFile: string },
  io: CliIo,
): Promise<number> {
  const { fileRequest } = await io.loadBackend();
  const filed = await fileRequest(config, order, { log: quietLog(io) });
  if (options.isJson) {
    const requests = filed.map(({ partition, requestId }) => ({ ...partition, requestId }));
    io.stdout.write(jsonText({ request: order.request.type, requests }));
    return EXIT_OK;
  }
  const lines = filed.map(
    ({ partition, requestId }) =>
      `${partitionName(partition)}: request ${requestId} (${order.request.type}) is filed`,
  );
  lines.push(
    filed.length === 0
      ? 'no partition is known yet: the job has not run, nothing was filed'
      : `${formatNoun(filed.length, 'request')} filed; the running coordinator carries it out. See: tidemark status ${options.jobFile}`,
  );
  io.stdout.write(lines.map((line) => `${line}\n`).join(''));
  return EXIT_OK;
}

/** `topic/0`. The last slash counts: a file's topic is its path. */
export function parsePartition(text: string): TopicPartition {
  const [, topic, partition] = /^(.+)\/(\d{1,9})$/.exec(text) ?? [];
  if (topic === undefined || partition === undefined) {
    throw new TidemarkError(
      'USAGE',
      `--partition ${text}: is no partition; expected topic/number, like clicks/0`,
    );
  }
  return { topic, partition: Number(partition) };
}

/** The answer to a journal that went back; none for any other stop. */
export function parseAnswer({
  fromJournal = false,
  fromWitness = false,
  acceptLoss = false,
}: {
  readonly fromJournal?: boolean;
  readonly fromWitness?: boolean;
  readonly acceptLoss?: boolean;
}): { readonly from: 'journal' | 'witness' | null; readonly acceptLoss: boolean } {
  if (acceptLoss && !fromWitness) {
    throw new TidemarkError(
      'USAGE',
      '--accept-loss: goes with --from-witness; offsets that the source lost are given up by `tidemark accept-loss`',
    );
  }
  return { from: fromJournal ? 'journal' : fromWitness ? 'witness' : null, acceptLoss };
}

/** The offsets that are given up, [from, to). */
export function parseLoss(from: string, to: string): { fromOffset: bigint; toOffset: bigint } {
  const fromOffset = parseOffset('--from', from);
  const toOffset = parseOffset('--to', to);
  if (toOffset <= fromOffset) {
    throw new TidemarkError(
      'USAGE',
      `--to ${to}: is not behind --from ${from}; expected the first offset that is kept`,
    );
  }
  return { fromOffset, toOffset };
}

export function parseOffset(option: string, text: string): bigint {
  const offset = /^\d{1,19}$/.test(text) ? BigInt(text) : null;
  if (offset === null || offset > 9_223_372_036_854_775_807n) {
    throw new TidemarkError('USAGE', `${option} ${text}: is no offset; expected a whole number from 0`);
  }
  return offset;
}
