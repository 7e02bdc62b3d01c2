/**
 * The one HTTP interface of several processes: probes and metrics are the union of theirs; what concerns the
 * job is passed on to one of them.
 */
import { answerJson, answerText, type Call } from '../http/call.ts';
import { openApi } from '../http/openApi.ts';
import { METRICS_TYPE } from '../http/metrics/text.ts';
import { HttpProblem } from '../http/problem.ts';
import { fileFilterOf, numberOf } from '../http/files.ts';
import type { HttpSite, Route } from '../http/site.ts';
import { ask, passOn, type Target } from './forward.ts';
import { mergedMetrics } from './mergedMetrics.ts';
import type { ProcessView, Supervisor } from './supervisor.ts';

/** How long a process may take for what all are asked at once. */
const ANSWER_MS = 5_000;

export interface SupervisorSiteOptions {
  readonly job: string;
  readonly version: string;
  readonly supervisor: Supervisor;
  /** What the processes expect of their supervisor. */
  readonly token: string;
}

const open = (get: Route['get']): Route => ({ get, post: null, isOpen: true });
const reading = (get: Route['get']): Route => ({ get, post: null, isOpen: false });

export function supervisorSite(options: SupervisorSiteOptions): HttpSite {
  const { supervisor, token, version } = options;
  const targetOf = ({ index, port }: ProcessView): Target | null =>
    port === null ? null : { index, port, token };
  const routes: Readonly<Record<string, Route>> = {
    '/livez': open((call) => answerJson(call, 200, { status: 'alive' })),
    '/readyz': open((call) => ready(call, options, targetOf)),
    '/metrics': open((call) => metrics(call, options, targetOf)),
    '/openapi.json': open((call) => answerJson(call, 200, openApi(version))),
    '/v1/status': reading((call) => passOn(call, anyOf(supervisor, targetOf))),
    '/v1/files': reading((call) => files(call, supervisor, targetOf)),
    '/v1/events': reading((call) => passOn(call, namedBy(call, supervisor, targetOf))),
  };
  return {
    routeOf(segments) {
      const path = `/${segments.join('/')}`;
      const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
      if (route !== undefined) return route;
      // The process that gets a request files it in the journal; the owner of the partition answers it.
      if (segments[0] === 'v1' && segments[1] === 'partitions')
        return { get: null, post: (call) => passOn(call, anyOf(supervisor, targetOf)), isOpen: false };
      throw new HttpProblem('NOT_FOUND', 'There is no such path: see /openapi.json.');
    },
    end: () => undefined,
  };
}

type TargetOf = (view: ProcessView) => Target | null;

function anyOf(supervisor: Supervisor, targetOf: TargetOf): Target {
  for (const view of supervisor.processes()) {
    const target = targetOf(view);
    if (target !== null) return target;
  }
  throw new HttpProblem('NOT_YET', 'No process answers yet: see /readyz.', { 'retry-after': '1' });
}

/** Each has its own stream: the ids of one say nothing of another's. */
function namedBy({ query }: Call, supervisor: Supervisor, targetOf: TargetOf): Target {
  const index = numberOf(query, 'process');
  const view = supervisor.processes().find((each) => each.index === index);
  if (view === undefined) {
    const last = supervisor.processes().length - 1;
    throw new HttpProblem(
      'BAD_REQUEST',
      `process: expected the number of a process, 0 to ${last}: each has events of its own.`,
    );
  }
  const target = targetOf(view);
  if (target !== null) return target;
  throw new HttpProblem('NOT_YET', `Process ${view.index} does not answer yet: see /readyz.`, {
    'retry-after': '1',
  });
}

interface Readiness {
  readonly status: string;
  readonly reasons: readonly string[];
}

async function ready(call: Call, { supervisor }: SupervisorSiteOptions, targetOf: TargetOf): Promise<void> {
  const processes = await Promise.all(
    supervisor.processes().map(async (view) => {
      const { index, pid, restarts } = view;
      return { process: index, pid, restarts, ...(await readinessOf(view, targetOf)) };
    }),
  );
  const reasons = processes.flatMap(({ process, reasons: own }) =>
    own.map((reason) => `process ${process}: ${reason}`),
  );
  if (supervisor.isStopping) reasons.unshift('it is stopping');
  const status = reasons.length === 0 ? 'ready' : 'not ready';
  answerJson(call, status === 'ready' ? 200 : 503, { status, reasons, processes });
}

async function readinessOf(view: ProcessView, targetOf: TargetOf): Promise<Readiness> {
  const notReady = (reason: string): Readiness => ({ status: 'not ready', reasons: [reason] });
  if (view.pid === null) return notReady('it does not run: it is about to be started again');
  const target = targetOf(view);
  if (target === null) return notReady('it is starting');
  try {
    return JSON.parse((await ask(target, '/readyz', ANSWER_MS)).text) as Readiness;
  } catch (error) {
    return notReady(error instanceof Error ? error.message : String(error));
  }
}

async function metrics(
  call: Call,
  { job, supervisor }: SupervisorSiteOptions,
  targetOf: TargetOf,
): Promise<void> {
  const views = supervisor.processes();
  const texts = await Promise.all(
    views.map(async (view) => {
      const target = targetOf(view);
      const text = target === null ? null : await metricsOf(target);
      return { index: view.index, text };
    }),
  );
  answerText(call, 200, METRICS_TYPE, mergedMetrics(job, views, texts));
}

/** Null if it gives none: `tidemark_process_up` and `/readyz` say why. */
async function metricsOf(target: Target): Promise<string | null> {
  try {
    const { status, text } = await ask(target, '/metrics', ANSWER_MS);
    return status === 200 ? text : null;
  } catch (error) {
    if (error instanceof HttpProblem) return null;
    throw error;
  }
}

interface FileList {
  readonly files: readonly { readonly state: string; readonly committedAt: string | null }[];
  readonly left: number;
}

/** Of all processes: those in hand, then the committed ones, the newest first. */
async function files(call: Call, supervisor: Supervisor, targetOf: TargetOf): Promise<void> {
  const { limit } = fileFilterOf(call.query);
  const targets = supervisor.processes().flatMap((view) => targetOf(view) ?? []);
  if (targets.length === 0) anyOf(supervisor, targetOf);
  const answers = await Promise.all(targets.map((target) => ask(target, call.request.url ?? '', ANSWER_MS)));
  const bad = answers.find(({ status }) => status !== 200);
  if (bad !== undefined) {
    answerText(call, bad.status, 'application/json; charset=utf-8', bad.text);
    return;
  }
  const lists = answers.map(({ text }) => JSON.parse(text) as FileList);
  const all = lists.flatMap((list) => list.files);
  const inHand = all.filter(({ committedAt }) => committedAt === null);
  const committed = all
    .filter(({ committedAt }) => committedAt !== null)
    .toSorted((a, b) => ((a.committedAt ?? '') > (b.committedAt ?? '') ? -1 : 1));
  const found = [...inHand, ...committed];
  const listed = found.slice(0, limit);
  const left = lists.reduce((sum, list) => sum + list.left, 0) + found.length - listed.length;
  answerJson(call, 200, { files: listed, left });
}
