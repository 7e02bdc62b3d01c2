/** The verbs of `POST /v1/partitions/{topic}/{partition}:{verb}`, and the requests that they file. */
import { z } from 'zod';
import type { OperatorRequest } from '../../journal/events.ts';
import { offsetOf, type TopicPartition } from '../../journal/ids.ts';
import { parseDuration } from '../../kernels/schema/units.ts';
import { HttpProblem } from './problem.ts';

const WAIT_MS_MAX = 60_000;

const offset = z
  .union([z.string(), z.int()], { error: 'expected an offset: a whole number, or its text' })
  .transform((value, context) => {
    const known = offsetOf(String(value));
    if (known !== null) return known;
    context.addIssue({ code: 'custom', message: 'expected an offset: a whole number, or its text' });
    return z.NEVER;
  });

const nothing = z.strictObject({});
const resume = z
  .strictObject({ from: z.enum(['journal', 'witness']).nullish(), acceptLoss: z.boolean().default(false) })
  .refine(({ from, acceptLoss }) => !acceptLoss || from === 'witness', {
    message: 'acceptLoss goes with "from": "witness"',
  });
const repair = z.strictObject({ notTaken: z.boolean().default(false) });
const acceptLoss = z
  .strictObject({ from: offset, to: offset })
  .refine(({ from, to }) => to > from, { message: '"to" is the first offset that is kept, behind "from"' });
const skipRecord = z.strictObject({ offset });
const acceptTruncation = z.strictObject({ from: offset.optional() });

/** Of each verb: its body, and the request that it becomes. */
const VERBS = {
  roll: verb(nothing, () => ({ type: 'roll' })),
  resume: verb(resume, ({ from = null, acceptLoss: isLoss }) => ({
    ...{ type: 'resume', from, acceptLoss: isLoss },
  })),
  repair: verb(repair, ({ notTaken }) => ({ type: 'repair', notTaken })),
  'accept-loss': verb(acceptLoss, ({ from, to }) => ({
    ...{ type: 'acceptLoss', fromOffset: from, toOffset: to },
  })),
  'skip-record': verb(skipRecord, ({ offset: at }) => ({
    ...{ type: 'acceptLoss', fromOffset: at, toOffset: at + 1n },
  })),
  'accept-truncation': verb(acceptTruncation, ({ from }) => ({
    ...{ type: 'acceptTruncation', divergedAt: from ?? null },
  })),
} as const satisfies Record<string, (body: unknown) => OperatorRequest>;

export type Verb = keyof typeof VERBS;
export const VERB_NAMES = Object.keys(VERBS) as readonly Verb[];

function verb<T>(schema: z.ZodType<T>, toRequest: (body: T) => OperatorRequest) {
  return (body: unknown): OperatorRequest => {
    const parsed = schema.safeParse(body);
    if (parsed.success) return toRequest(parsed.data);
    const said = parsed.error.issues.map(({ path, message }) => [...path, message].join(': '));
    throw new HttpProblem('BAD_REQUEST', `The body is not as expected: ${said.join('; ')}.`);
  };
}

/** Throws BAD_REQUEST. */
export function requestOf(name: Verb, body: unknown): OperatorRequest {
  return VERBS[name](body);
}

export interface Target {
  readonly partition: TopicPartition;
  readonly verb: Verb;
}

/** Of `{topic}/{partition}:{verb}`, where a topic that is a path has several segments. Null: no such path. */
export function targetOf(segments: readonly string[]): Target | null {
  const topic = segments.slice(0, -1).join('/');
  const [, number, name] = /^(\d{1,9}):([a-z-]+)$/.exec(segments.at(-1) ?? '') ?? [];
  const known = VERB_NAMES.find((each) => each === name);
  if (topic === '' || number === undefined || known === undefined) return null;
  return { partition: { topic, partition: Number(number) }, verb: known };
}

/** `?wait=10s`; null: not at all. Throws BAD_REQUEST. */
export function waitOf(query: URLSearchParams): number | null {
  const text = query.get('wait');
  if (text === null) return null;
  const parsed = parseDuration(text);
  if (parsed.type === 'invalid') throw new HttpProblem('BAD_REQUEST', `wait: ${parsed.reason}.`);
  return Math.min(parsed.value, WAIT_MS_MAX);
}
