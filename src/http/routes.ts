/** The paths of a coordinator, and what each does. */
import { partitionOf } from '../../journal/subjects.ts';
import type { Subject } from '../../journal/ids.ts';
import { answerJson, answerText, readJson, type Call } from './call.ts';
import { EventStream } from './eventStream.ts';
import { fileFilterOf, filesOf, numberOf } from './files.ts';
import { metricsText } from './metrics/metrics.ts';
import { METRICS_TYPE } from './metrics/text.ts';
import { openApi } from './openApi.ts';
import { requestOf, targetOf, waitOf, type Target } from './orders.ts';
import { HttpProblem } from './problem.ts';
import { readinessOf } from './readiness.ts';
import type { FiledOrder, HttpRun } from './run.ts';
import type { HttpSite, Route } from './site.ts';

interface Reading {
  readonly get: (call: Call, run: HttpRun) => Promise<void> | void;
  readonly isOpen: boolean;
}

const open = (get: Reading['get']): Reading => ({ get, isOpen: true });
const reading = (get: Reading['get']): Reading => ({ get, isOpen: false });

const READINGS: Readonly<Record<string, Reading>> = {
  '/livez': open((call) => answerJson(call, 200, { status: 'alive' })),
  '/readyz': open(ready),
  '/metrics': open((call, run) => answerText(call, 200, METRICS_TYPE, metricsText(run))),
  '/openapi.json': open((call, { options }) => answerJson(call, 200, openApi(options.version))),
  '/v1/status': reading(async (call, run) => answerJson(call, 200, await run.status())),
  '/v1/files': reading((call, run) =>
    answerJson(call, 200, filesOf(run.open.coordinator, fileFilterOf(call.query))),
  ),
  '/v1/events': reading(follow),
};

/** One coordinator tells of itself. */
export function coordinatorSite(run: HttpRun): HttpSite {
  return { routeOf: (segments) => routeOf(segments, run), end: () => run.events.end() };
}

function routeOf(segments: readonly string[], run: HttpRun): Route {
  const path = `/${segments.join('/')}`;
  const found = Object.hasOwn(READINGS, path) ? READINGS[path] : undefined;
  if (found !== undefined) return { get: (call) => found.get(call, run), post: null, isOpen: found.isOpen };
  const [version, noun, ...rest] = segments;
  const target = version === 'v1' && noun === 'partitions' ? targetOf(rest) : null;
  if (target !== null) return { get: null, post: (call) => order(call, run, target), isOpen: false };
  throw new HttpProblem('NOT_FOUND', 'There is no such path: see /openapi.json.');
}

function ready(call: Call, run: HttpRun): void {
  const { isDraining, options } = run;
  const { conditions } = options;
  const readiness = readinessOf(run.ifOpen?.coordinator ?? null, { isDraining, conditions });
  answerJson(call, readiness.status === 'ready' ? 200 : 503, readiness);
}

async function order(call: Call, run: HttpRun, { partition, verb }: Target): Promise<void> {
  const waitMs = waitOf(call.query);
  const request = requestOf(verb, await readJson(call));
  const filed = await run.open.file(partition, request, waitMs);
  run.options.log.info(
    { partition: `${partition.topic}/${partition.partition}`, requestId: filed.requestId, verb },
    'operator request filed over HTTP',
  );
  answerJson(call, statusOf(filed), {
    ...{ ...partition, verb, requestId: filed.requestId, answer: filed.answer?.type ?? null },
    reason: filed.answer?.reason ?? null,
  });
}

/** Accepted by its owner, refused by it, or filed for it. */
function statusOf({ answer }: FiledOrder): number {
  if (answer?.type === 'accepted') return 200;
  return answer?.type === 'refused' ? 409 : 202;
}

async function follow(call: Call, run: HttpRun): Promise<void> {
  const { request, response, query } = call;
  const { history, safeRevision, isFull } = run.events;
  if (history === null) throw new HttpProblem('NOT_YET', 'The journal is not open yet: see /readyz.');
  if (isFull)
    throw new HttpProblem('TOO_MANY_CLIENTS', 'Too many clients follow the events: try again later.', {
      'retry-after': '5',
    });
  const resumeAfter = lastSeen(request.headers['last-event-id']);
  const wants = wantedSubjects(query.get('topic'), numberOf(query, 'partition'));
  if (request.method === 'HEAD') {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).end();
    return;
  }
  const stream = new EventStream({
    ...{ response, history, resumeAfter, safeRevision, wants, log: run.options.log },
  });
  const leave = run.events.join(stream);
  try {
    await stream.run();
  } finally {
    leave();
  }
}

/** Null if it is not given. Throws BAD_REQUEST. */
function lastSeen(header: string | string[] | undefined): number | null {
  if (header === undefined || header === '') return null;
  const revision = /^\d{1,15}$/.test(String(header)) ? Number(header) : null;
  if (revision === null)
    throw new HttpProblem('BAD_REQUEST', 'Last-Event-ID: expected an id that this stream has sent.');
  return revision;
}

function wantedSubjects(topic: string | null, partition: number | null): (subject: Subject) => boolean {
  if (topic === null && partition === null) return () => true;
  return (subject) => {
    const at = partitionOf(subject);
    return (
      at !== null &&
      (topic === null || at.topic === topic) &&
      (partition === null || at.partition === partition)
    );
  };
}
