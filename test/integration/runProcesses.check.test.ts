/** `tidemark run --processes`: several coordinators below one supervisor, real Kafka, real nats-server. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { describeIntegration, services } from '../services/integration.ts';
import { createTopic, expectExactlyOnce, NumberProducer } from './numbers.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';
import type { TidemarkProcess } from './tidemarkProcess.ts';

const TOKEN = 'a-token-of-a-test';

interface ReadyDocument {
  readonly status: string;
  readonly processes: readonly { readonly process: number; readonly pid: number; readonly status: string }[];
}

const jobOf = (topic: string, sections: Readonly<Record<string, unknown>> = {}): TestJob => {
  const { brokers, natsUrl } = services();
  const small = { maxBytes: '20KiB', maxAge: '1s', maxIdle: '1s' };
  return new TestJob({
    ...{ brokers, topic, nats: { url: natsUrl } },
    sections: { http: { port: 0, token: TOKEN }, roll: small, ...sections },
  });
};

async function urlOf(run: TidemarkProcess): Promise<string> {
  await run.saw('its address', ({ msg, process }) => msg.startsWith('listening on') && process === undefined);
  const [line] = run.lines('listening on');
  return `http://127.0.0.1:${Number(line?.['port'])}`;
}

/** The readiness once it is as wanted; asked again until then. */
async function readyOnce(url: string, isWanted: (ready: ReadyDocument) => boolean): Promise<ReadyDocument> {
  for (;;) {
    const ready = (await (await fetch(`${url}/readyz`)).json()) as ReadyDocument;
    if (isWanted(ready)) return ready;
  }
}

/** Every line of standard error is one JSON document. */
const documentsOf = (stderr: string): readonly { readonly process?: number; readonly msg: string }[] =>
  stderr
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { process?: number; msg: string });

describeIntegration('run --processes', () => {
  test('one of two is killed and started again, every record is there once, one port answers', async () => {
    const topic = uniqueName('processes');
    await createTopic(services().brokers, topic);
    const job = jobOf(topic);
    const producer = new NumberProducer(services().brokers, topic, { pauseMs: 20 });
    await producer.start();
    const run = job.start('--processes', '2');
    const url = await urlOf(run);
    const { processes } = await readyOnce(url, ({ status }) => status === 'ready');
    expect(processes.map(({ process }) => process)).toEqual([0, 1]);
    await run.saw('files of both', ({ msg, process }) => msg.includes('file committed') && process === 0);
    await run.saw('files of both', ({ msg, process }) => msg.includes('file committed') && process === 1);

    const victim = processes[1]!.pid;
    process.kill(victim, 'SIGKILL');
    await run.said('process 1 was ended by SIGKILL: it is started again in 1 s');
    const again = await readyOnce(url, (ready) => {
      const pid = ready.processes[1]?.pid;
      return ready.status === 'ready' && pid !== undefined && pid !== victim;
    });
    expect(again.processes[0]?.pid).toBe(processes[0]!.pid);

    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain(`tidemark_process_restarts_total{process="1",job="${topic}"} 1`);
    expect(metrics.match(/^# HELP tidemark_claims_total /gm)).toHaveLength(1);
    expect(metrics).toMatch(/^tidemark_claims_total\{process="0",job=.*,topic=.*partition="\d"\} \d+$/m);
    expect(await (await fetch(`${url}/v1/status`)).json()).toMatchObject({ job: topic });
    const { files } = (await (await fetch(`${url}/v1/files?state=committed&limit=5`)).json()) as {
      files: unknown[];
    };
    expect(files).toHaveLength(5);
    expect((await fetch(`${url}/v1/events`)).status).toBe(400);
    const stop = new AbortController();
    const events = await fetch(`${url}/v1/events?process=0`, { signal: stop.signal });
    expect(events.headers.get('content-type')).toContain('text/event-stream');
    stop.abort();
    const roll = `${url}/v1/partitions/${topic}/0:roll?wait=10s`;
    expect((await fetch(roll, { method: 'POST' })).status).toBe(401);
    const filed = await fetch(roll, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}` } });
    expect(await filed.json()).toMatchObject({ topic, partition: 0, verb: 'roll' });

    await producer.stop();
    run.kill('SIGTERM');
    const end = await run.ended;
    // One that had not ended in time would have been killed: 1.
    expectCode(end, 0);
    const told = documentsOf(end.stderr);
    expect(new Set(told.map(({ process }) => process))).toEqual(new Set([undefined, 0, 1]));
    expect(end.stdout).toBe('');
    await job.finish('-D', 'http=false');
    expectExactlyOnce(job.lake, producer.sent);
  });

  test('what several processes cannot run is refused, also too little memory for each', async () => {
    const topic = uniqueName('processes');
    await createTopic(services().brokers, topic, 1);
    const refused = async (job: TestJob, reason: string, ...args: string[]): Promise<void> => {
      const end = await job.start('--processes', '2', ...args).ended;
      expectCode(end, 2);
      expect(end.stderr).toContain(reason);
    };
    await refused(jobOf(topic), 'USAGE: --processes is for a service', '--until-end');
    await refused(jobOf(topic), 'Expected a number from 1 to 64', '--processes', '65');
    const embedded = new TestJob({ brokers: services().brokers, topic });
    await refused(embedded, 'and journal.sqlite is for one: set journal.nats');
    const files = jobOf(topic, { source: { file: { path: 'lines/*.txt' } } });
    await refused(files, 'and source.file does not: only source.kafka does');
    const small = jobOf(topic, { memory: '200MiB' });
    await refused(small, 'memory: 100MiB for each of 2 processes is too little');
    writeFileSync(path.join(small.folder, 'job.yaml'), 'job: [');
    await refused(small, 'job.yaml:1');
  });
});
