/** The HTTP interface of a real process: what it tells, what it takes, and from whom. */
import { once } from 'node:events';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { checkoutDir } from '../../scripts/generators.ts';
import { runCommand } from '../../scripts/services/processes.ts';
import { METRICS } from '../../src/http/metrics/table.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';
import { tidemark, type TidemarkProcess } from './tidemarkProcess.ts';

const TOKEN = 'a-token-of-a-test';
const TOPIC = 'data/a.ndjson';
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, index) => `{"n":${from + index}}\n`).join('');

function jobOfFiles(sections: Readonly<Record<string, unknown>> = {}): TestJob {
  const job = new TestJob({
    ...{ brokers: [], topic: uniqueName('http') },
    sections: {
      source: { file: { path: 'data/*.ndjson' } },
      http: { port: 0, token: TOKEN },
      checkpoint: { interval: '100ms' },
      ...sections,
    },
  });
  mkdirSync(path.join(job.folder, 'data'));
  writeFileSync(path.join(job.folder, TOPIC), lines(0, 1_000));
  return job;
}

async function portOf(service: TidemarkProcess): Promise<number> {
  await service.said('listening on');
  const [line] = service.lines('listening on');
  return Number(line?.['port']);
}

/** `what` is a metric with its labels. */
function valueOf(metrics: string, what: string): number {
  const line = metrics.split('\n').find((one) => one.startsWith(`${what} `));
  if (line === undefined) throw new Error(`no ${what} in:\n${metrics}`);
  return Number(line.slice(what.length + 1));
}

/** Entries of `/v1/events` until one holds an event of the type; and the last id. */
async function follow(url: string, type: string, lastId?: string) {
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const headers = lastId === undefined ? {} : { 'last-event-id': lastId };
  const response = await fetch(`${url}/v1/events`, { headers, signal: stop.signal });
  const found: { seq: number; types: string[] }[] = [];
  const first = Promise.withResolvers<undefined>();
  const read = async (): Promise<{ found: typeof found; firstId: string }> => {
    let [text, firstId] = ['', ''];
    const decoder = new TextDecoder();
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true });
      const messages = text.split('\n\n');
      text = messages.pop() ?? '';
      for (const message of messages) {
        firstId ||= /^id: (\d+)$/m.exec(message)?.[1] ?? '';
        if (firstId !== '') first.resolve(undefined);
        const [, data] = /^data: (.*)$/m.exec(message) ?? [];
        if (data === undefined) continue;
        const { seq, events } = JSON.parse(data) as { seq: number; events: { type: string }[] };
        found.push({ seq, types: events.map((event) => event.type) });
        if (events.some((event) => event.type === type)) return { found, firstId };
      }
    }
    throw new Error(`the events ended before ${type}`);
  };
  const ended = read();
  ended.then(() => first.resolve(undefined), first.reject);
  await first.promise;
  return { ended };
}

test('a service tells of itself, and takes what an operator asks for', { timeout: 120_000 }, async () => {
  const job = jobOfFiles();
  const service = job.start();
  const url = `http://127.0.0.1:${await portOf(service)}`;
  await service.counted(`${TOPIC}/0`, 1_000);
  expect((await fetch(`${url}/livez`)).status).toBe(200);
  const ready = await fetch(`${url}/readyz`);
  expect([ready.status, await ready.json()]).toMatchObject([
    200,
    { status: 'ready', partitions: { running: 1 } },
  ]);

  const live = await follow(url, 'partCommitted');
  const verb = `${url}/v1/partitions/${encodeURIComponent(TOPIC)}/0:roll`;
  const ask = (headers: Record<string, string>, at = verb) => fetch(at, { method: 'POST', headers });
  const refused = [await ask({}), await ask({ authorization: 'Bearer another' })];
  expect(refused.map(({ status }) => status)).toEqual([401, 403]);
  const token = { authorization: `Bearer ${TOKEN}` };
  const unknown = await ask(token, verb.replace('a.ndjson', 'b.ndjson'));
  expect([unknown.status, await unknown.json()]).toMatchObject([404, { code: 'REQUEST_REFUSED' }]);
  const rolled = await ask(token, `${verb}?wait=60s`);
  expect([rolled.status, await rolled.json()]).toMatchObject([200, { topic: TOPIC, answer: 'accepted' }]);

  const { found, firstId } = await live.ended;
  expect(found.map(({ types }) => types).flat()).toEqual(
    expect.arrayContaining(['rollRequested', 'checkpointCompleted', 'partCommitted']),
  );
  const again = await (await follow(url, 'partCommitted', firstId)).ended;
  expect(again.found.filter(({ seq }) => found.some((entry) => entry.seq === seq))).toEqual(found);

  await service.said('file committed');
  const labels = `{job="${job.name}",topic="${TOPIC}",partition="0"`;
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const status = (await (await fetch(`${url}/v1/status`)).json()) as Awaited<ReturnType<TestJob['status']>>;
  expect(status.partitions).toMatchObject([{ topic: TOPIC, recordsRead: 1_000, committedFiles: 1 }]);
  expect(valueOf(metrics, `tidemark_records_read_total${labels}}`)).toBe(1_000);
  expect(valueOf(metrics, `tidemark_records_written_total${labels}}`)).toBe(1_000);
  expect(valueOf(metrics, `tidemark_published_offset${labels}}`)).toBe(1_000);
  expect(valueOf(metrics, `tidemark_unpublished_age_seconds${labels}}`)).toBe(0);
  expect(valueOf(metrics, `tidemark_part_files_committed_total${labels},roll_reason="operator"}`)).toBe(1);
  const audit = await job.command('audit', '--json');
  expectCode(audit, 0);
  const files = (await (await fetch(`${url}/v1/files?state=committed`)).json()) as { files: unknown[] };
  expect(files.files).toMatchObject([{ topic: TOPIC, records: 1_000, rollReason: 'operator' }]);
  service.kill('SIGTERM');
  expectCode(await service.ended, 0);
});

test('every metric that the rules and the dashboard name is exposed by a service', async () => {
  const job = jobOfFiles();
  const service = job.start();
  const url = `http://127.0.0.1:${await portOf(service)}`;
  await service.counted(`${TOPIC}/0`, 1_000);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const exposed = new Set([...metrics.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
  expect([...exposed].sort()).toEqual(Object.keys(METRICS).sort());
  const inUse = ['examples/alerts.yml', 'examples/grafana-dashboard.json']
    .flatMap(
      (file) =>
        readFileSync(path.join(checkoutDir, file), 'utf8').match(/\b(?:tidemark|process)_[a-z_]+\b/g) ?? [],
    )
    .filter((name) => !exposed.has(name) && !exposed.has(name.replace(/_(bucket|sum|count)$/, '')));
  expect(inUse).toEqual([]);
  // All sample lines, and nothing else.
  const odd = metrics.split('\n').filter((line) => !/^(#.*|[a-z_]+\{[^}]*\} \S+|)$/.test(line));
  expect(odd).toEqual([]);
});

test('a stopped partition is shown, and leaves the service ready', async () => {
  const job = jobOfFiles({ sink: { path: 'lake', format: 'json' } });
  const service = job.start();
  const url = `http://127.0.0.1:${await portOf(service)}`;
  await service.counted(`${TOPIC}/0`, 1_000);
  appendFileSync(path.join(job.folder, TOPIC), 'no JSON\n');
  await service.said('stopped until an operator');
  const ready = await fetch(`${url}/readyz`);
  expect([ready.status, await ready.json()]).toMatchObject([
    200,
    { partitions: { stopped: 1 }, stopped: [{ topic: TOPIC, code: 'SOURCE_RECORD_BAD' }] },
  ]);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const labels = `{job="${job.name}",topic="${TOPIC}",partition="0"`;
  expect(valueOf(metrics, `tidemark_partition_stopped${labels},code="SOURCE_RECORD_BAD"}`)).toBe(1);
});

test('a port of the job file that is taken ends the start, and nothing is claimed', async () => {
  const other = createServer();
  onTestFinished(() => void other.close());
  await once(other.listen(0, '127.0.0.1'), 'listening');
  const { port } = other.address() as AddressInfo;
  const job = jobOfFiles({ http: { port } });
  const end = await tidemark(['run', job.file]);
  expectCode(end, 2);
  expect(end.stderr).toContain('HTTP_PORT_TAKEN');
  expect(end.stderr).not.toContain('partition claimed');
});

test('the commands of docs/http.md do what it says', { timeout: 60_000 }, async () => {
  const job = jobOfFiles();
  const service = job.start();
  const port = await portOf(service);
  await service.counted(`${TOPIC}/0`, 1_000);
  const page = readFileSync(path.join(checkoutDir, 'docs/http.md'), 'utf8');
  const commands = page.match(/^curl .*$/gm) ?? [];
  expect(commands.length).toBeGreaterThan(5);
  for (const command of commands) {
    const here = command
      .replace('127.0.0.1:8787', `127.0.0.1:${port}`)
      .replace('clicks/0', `${encodeURIComponent(TOPIC)}/0`);
    const { stdout } = await runCommand('sh', ['-c', here], { env: { TIDEMARK_TOKEN: TOKEN } });
    expect(stdout.length, command).toBeGreaterThan(10);
  }
});
