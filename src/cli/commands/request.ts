/**
 * `tidemark roll | resume | repair | accept-loss | skip-record | accept-truncation`: requests that the
 * partition's owner journals and carries out.
 */
import { TidemarkError } from '../../../journal/errors.ts';
import { offsetOf, partitionName, type TopicPartition } from '../../../journal/ids.ts';
import { parseDuration } from '../../../kernels/schema/units.ts';
import type { JobConfig } from '../../config/jobConfig.ts';
import { formatNoun } from '../../telemetry/format.ts';
import type { FiledRequest, RequestOrder } from '../../app/contract.ts';
import { EXIT_FAILURE, EXIT_OK, EXIT_UNFINISHED } from '../exitCodes.ts';
import type { CliIo } from '../io.ts';
import { quietLog } from '../quietLog.ts';
import { jsonText } from '../report.ts';

export interface RequestCommandOptions {
  readonly isJson: boolean;
  readonly jobFile: string;
  /** Null: do not wait for an answer. */
  readonly waitMs: number | null;
}

export async function requestCommand(
  config: JobConfig,
  order: RequestOrder,
  { isJson, jobFile, waitMs }: RequestCommandOptions,
  io: CliIo,
): Promise<number> {
  const { fileRequest } = await io.loadBackend();
  const onNotice = (notice: string): void => {
    io.stderr.write(`tidemark: ${notice}\n`);
  };
  const filed = await fileRequest(config, order, { log: quietLog(io), waitMs, onNotice });
  if (isJson) io.stdout.write(jsonText({ request: order.request.type, requests: filed.map(documentOf) }));
  else {
    const lines = [...filed.map((one) => lineOf(one, order)), closingLine(filed, jobFile)];
    io.stdout.write(lines.map((line) => `${line}\n`).join(''));
  }
  return exitCodeOfAnswers(filed);
}

function documentOf({ partition, requestId, answer }: FiledRequest) {
  const reason = answer?.type === 'refused' ? answer.reason : null;
  return { ...partition, requestId, answer: answer?.type ?? null, reason };
}

function lineOf({ partition, requestId, answer }: FiledRequest, { request }: RequestOrder): string {
  const what = `${partitionName(partition)}: request ${requestId} (${request.type})`;
  switch (answer?.type) {
    case undefined:
      return `${what} is filed`;
    case 'accepted':
      return `${what} is accepted`;
    case 'refused':
      return `${what} is refused: ${answer.reason}`;
    case 'none':
      return `${what} is filed, but no coordinator has answered`;
  }
}

function closingLine(filed: readonly FiledRequest[], jobFile: string): string {
  const count = (type: NonNullable<FiledRequest['answer']>['type']): number =>
    filed.filter(({ answer }) => answer?.type === type).length;
  const requests = formatNoun(filed.length, 'request');
  if (filed.every(({ answer }) => answer === null))
    return `${requests} filed; the running coordinator carries it out. See: tidemark status ${jobFile}`;
  const silent = count('none');
  const open = silent === 0 ? '' : `, ${silent} without an answer: see tidemark status ${jobFile}`;
  return `${requests} filed: ${count('accepted')} accepted, ${count('refused')} refused${open}`;
}

/** A refusal outweighs a missing answer: it is certain. */
function exitCodeOfAnswers(filed: readonly FiledRequest[]): number {
  if (filed.some(({ answer }) => answer?.type === 'refused')) return EXIT_FAILURE;
  return filed.some(({ answer }) => answer?.type === 'none') ? EXIT_UNFINISHED : EXIT_OK;
}

/** @param partition its name as `parsePartition` takes it; undefined: of all partitions. */
export function orderFor(partition: string | undefined, request: RequestOrder['request']): RequestOrder {
  return { partition: partition === undefined ? null : parsePartition(partition), request };
}

/** `--timeout`, like `60s`. */
export function parseTimeout(text: string): number {
  const parsed = parseDuration(text);
  if (parsed.type === 'invalid') throw new TidemarkError('USAGE', `--timeout ${text}: ${parsed.reason}`);
  return parsed.value;
}

/** `topic/0`. Split at the last slash: a file's topic is its path. */
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

/** `topic/0@123`. Throws USAGE. */
export function parseRecord(text: string): { partition: TopicPartition; offset: bigint } {
  const [, partition, offset] = /^(.+\/\d{1,9})@(\d+)$/.exec(text) ?? [];
  if (partition !== undefined && offset !== undefined)
    return { partition: parsePartition(partition), offset: parseOffset('offset', offset) };
  throw new TidemarkError(
    'USAGE',
    `${text}: is no record; expected topic/number@offset, like clicks/0@123456`,
  );
}

/** The operator's answer to a journal that went back; `from` is null for any other stop. */
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
      '--accept-loss: goes with --from-witness; ' +
        'offsets that the source lost are given up by `tidemark accept-loss`',
    );
  }
  return { from: fromJournal ? 'journal' : fromWitness ? 'witness' : null, acceptLoss };
}

/** The offsets to give up, [from, to). */
export function parseLoss(from: string, to: string): { fromOffset: bigint; toOffset: bigint } {
  const fromOffset = parseOffset('--from', from);
  const toOffset = parseOffset('--to', to);
  if (toOffset <= fromOffset) {
    throw new TidemarkError(
      'USAGE',
      `--to ${to}: is not after --from ${from}; expected the first offset that is kept`,
    );
  }
  return { fromOffset, toOffset };
}

export function parseOffset(option: string, text: string): bigint {
  const offset = offsetOf(text);
  if (offset === null) {
    throw new TidemarkError('USAGE', `${option} ${text}: is no offset; expected a whole number from 0`);
  }
  return offset;
}
