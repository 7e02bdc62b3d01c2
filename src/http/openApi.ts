/** The OpenAPI document of the interface. */
import { VERB_NAMES, type Verb } from './orders.ts';

const OFFSET = { type: 'string', pattern: '^[0-9]{1,19}$', description: 'An offset, as text.' };

const BODIES: Readonly<Record<Verb, object>> = {
  roll: body({}, []),
  resume: body(
    {
      from: {
        type: 'string',
        enum: ['journal', 'witness'],
        description: 'Answer to a journal that went back.',
      },
      acceptLoss: { type: 'boolean', default: false, description: 'With from: witness.' },
    },
    [],
  ),
  repair: body(
    {
      notTaken: {
        type: 'boolean',
        default: false,
        description: 'Closed files that are gone were not published and taken away by a reader.',
      },
    },
    [],
  ),
  'accept-loss': body({ from: OFFSET, to: OFFSET }, ['from', 'to']),
  'skip-record': body({ offset: OFFSET }, ['offset']),
  'accept-truncation': body({ from: OFFSET }, []),
};

const SUMMARIES: Readonly<Record<Verb, string>> = {
  roll: 'Closes the open part files of a partition.',
  resume: 'Lets a stopped partition go on.',
  repair: 'Has the records of damaged files read and written again.',
  'accept-loss': 'Gives up the offsets from, up to but excluding to, and continues there.',
  'skip-record': 'Gives up one record that cannot be written, and continues after it.',
  'accept-truncation': 'Reads on in a log that went back.',
};

function body(properties: object, required: readonly string[]): object {
  return {
    required: required.length > 0,
    content: {
      'application/json': {
        schema: { type: 'object', properties, required, additionalProperties: false },
      },
    },
  };
}

const problem = (description: string): object => ({
  description,
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Problem' } } },
});

const json = (description: string, schema: object = { type: 'object' }): object => ({
  description,
  content: { 'application/json': { schema } },
});

const parameter = (name: string, where: 'path' | 'query', schema: object, description: string): object => ({
  ...{ name, in: where, required: where === 'path', schema, description },
});

const TOPIC = parameter('topic', 'query', { type: 'string' }, 'Of this topic only.');
const PARTITION = parameter(
  'partition',
  'query',
  { type: 'integer' },
  'Of partitions with this number only.',
);

const PROCESS = parameter(
  'process',
  'query',
  { type: 'integer' },
  'Of this process. Needed with `run --processes`, and without a meaning else.',
);

const reading = (summary: string, parameters: readonly object[], answer: object): object => ({
  get: {
    ...{ summary, parameters, security: [{ token: [] }, {}] },
    responses: {
      200: answer,
      400: problem('A parameter is wrong.'),
      503: problem('The journal is not open yet.'),
    },
  },
});

const open = (summary: string, responses: object): object => ({ get: { summary, security: [], responses } });

function orderPath(verb: Verb): readonly [string, object] {
  const answer = json('Filed, and answered if the owner did so in time.', {
    $ref: '#/components/schemas/Filed',
  });
  return [
    `/v1/partitions/{topic}/{partition}:${verb}`,
    {
      post: {
        summary: SUMMARIES[verb],
        security: [{ token: [] }],
        parameters: [
          parameter('topic', 'path', { type: 'string' }, 'The topic, percent-encoded.'),
          parameter('partition', 'path', { type: 'integer' }, 'Its number.'),
          parameter('wait', 'query', { type: 'string', example: '10s' }, 'How long to wait for the owner.'),
        ],
        requestBody: BODIES[verb],
        responses: {
          ...{ 200: answer, 202: json('Filed; its owner has not answered yet.'), 409: json('Refused.') },
          ...{
            400: problem('The body is wrong.'),
            401: problem('No token.'),
            403: problem('Another token.'),
          },
          ...{ 404: problem('The journal does not know the partition.'), 503: problem('Not yet.') },
        },
      },
    },
  ];
}

const SCHEMAS = {
  Problem: {
    type: 'object',
    required: ['code', 'message'],
    properties: { code: { type: 'string' }, message: { type: 'string' } },
  },
  Filed: {
    type: 'object',
    properties: {
      ...{ topic: { type: 'string' }, partition: { type: 'integer' }, verb: { type: 'string' } },
      ...{
        requestId: { type: 'integer' },
        answer: { type: ['string', 'null'] },
        reason: { type: ['string', 'null'] },
      },
    },
  },
};

export function openApi(version: string): object {
  const ready = { 200: json('It does its part.'), 503: json('It does not, and why.') };
  const files = [
    ...[TOPIC, PARTITION, parameter('state', 'query', { type: 'string' }, 'In this state only.')],
    parameter('limit', 'query', { type: 'integer', default: 100 }, 'Most files of the answer.'),
  ];
  const events = { description: 'Server-sent events.', content: { 'text/event-stream': {} } };
  return {
    openapi: '3.1.0',
    info: { title: 'Tidemark', version, description: 'A coordinator of a job.' },
    paths: {
      '/livez': open('Whether the process turns.', { 200: json('It does.') }),
      '/readyz': open('Whether the coordinator does its part.', ready),
      '/metrics': open('Metrics, in the text format of Prometheus.', {
        200: { description: 'Metrics.', content: { 'text/plain': {} } },
      }),
      '/v1/status': reading('The status of the job, as `tidemark status --json`.', [], json('The status.')),
      '/v1/files': reading('Files in hand, and the last that were committed.', files, json('Files.')),
      '/v1/events': reading('Journal entries as they are appended.', [TOPIC, PARTITION, PROCESS], events),
      ...Object.fromEntries(VERB_NAMES.map(orderPath)),
    },
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: SCHEMAS,
    },
  };
}
