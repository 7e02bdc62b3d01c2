/** The key `source.kafka.startFrom`: where a job begins. */
import { z } from 'zod';
import { isMap, map, type KeyProblem } from '../../../kernels/schema/parts.ts';
import { expecting, text } from '../../../kernels/schema/values.ts';
import type { StartFrom } from '../port.ts';
import { topicsOf } from './topics.ts';

const EXPECTED =
  'earliest, latest, group, a time with its zone like 2026-01-31T08:00:00Z, or a map with offsets';

export function startFromSchema() {
  return z.union([place(), offsets()], { error: expecting(EXPECTED) });
}

const ISO_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/;

function place() {
  const examples = ['earliest', 'latest', 'group', '2026-01-31T08:00:00Z'];
  return text(EXPECTED)
    .meta({ examples })
    .transform((value, context): StartFrom => {
      if (value === 'earliest' || value === 'latest' || value === 'group') return { type: value };
      const atMs = ISO_TIME.test(value) && isRealDate(value) ? Date.parse(value) : Number.NaN;
      if (!Number.isNaN(atMs)) return { type: 'time', atMs };
      context.addIssue({ code: 'custom', message: `"${value}" is unknown; expected ${EXPECTED}` });
      return z.NEVER;
    });
}

/** Date.parse accepts 2026-02-30 as March 2. */
function isRealDate(value: string): boolean {
  const day = value.slice(0, 10);
  const atMs = Date.parse(day);
  return !Number.isNaN(atMs) && new Date(atMs).toISOString().startsWith(day);
}

const PARTITION = /^(0|[1-9]\d{0,8})$/;

function offsets() {
  const expected = 'an offset: a whole number, 0 or more';
  const offset = z.int({ error: expecting(expected) }).min(0, { error: `is negative; expected ${expected}` });
  const ofPartitions = z
    .record(z.string(), offset, { error: expecting('a map of partitions and their offsets, like {0: 1200}') })
    .superRefine((value, context) => {
      for (const partition of Object.keys(value).filter((key) => !PARTITION.test(key)))
        context.addIssue({
          code: 'custom',
          path: [partition],
          message: `"${partition}" is no partition; expected its number`,
        });
    });
  return map({
    offsets: z
      .record(z.string(), ofPartitions, { error: expecting('a map of topics, like {clicks: {0: 1200}}') })
      .meta({
        description:
          'The first offset to read of each partition of each topic, for the first start of the job.',
        examples: [{ clicks: { 0: 1200, 1: 0 } }],
      }),
  }).transform((given): StartFrom => ({ type: 'offsets', offsets: bigOffsets(given.offsets) }));
}

function bigOffsets(given: Readonly<Record<string, Readonly<Record<string, number>>>>) {
  return Object.fromEntries(
    Object.entries(given).map(([topic, partitions]) => [
      topic,
      Object.fromEntries(
        Object.entries(partitions).map(([partition, offset]) => [partition, BigInt(offset)]),
      ),
    ]),
  );
}

/** Offsets of topics that the job does not read. */
export function offsetsProblems({ topics, startFrom }: Record<string, unknown>): readonly KeyProblem[] {
  const given = isMap(startFrom) ? startFrom['offsets'] : undefined;
  if (!isMap(given) || !Array.isArray(topics)) return [];
  const entries = topics.filter((entry) => typeof entry === 'string');
  const { isOfJob } = topicsOf(entries);
  return Object.keys(given)
    .filter((topic) => !isOfJob(topic))
    .map((topic) => ({
      key: ['startFrom', 'offsets', topic],
      message: `"${topic}" is no topic of the job; expected one of source.kafka.topics`,
    }));
}

/** For the fingerprint: plain data. */
export function startFromMeaning(startFrom: StartFrom): unknown {
  if (startFrom.type !== 'offsets') return startFrom;
  const offsets = Object.entries(startFrom.offsets).map(([topic, partitions]) => [
    topic,
    Object.fromEntries(Object.entries(partitions).map(([partition, at]) => [partition, String(at)])),
  ]);
  return { type: 'offsets', offsets: Object.fromEntries(offsets) as unknown };
}
