/** `tidemark doctor` against a real Kafka and nats-server: what it finds, and that it leaves nothing. */
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { expect, onTestFinished, test } from 'vitest';
import type { DoctorReport } from '../../src/app/doctor/doctorReport.ts';
import { freePort } from '../../scripts/services/processes.ts';
import { describeIntegration, services } from '../services/integration.ts';
import { startKafka } from '../services/servers.ts';
import { makeTopic, numbers, produce, withAdmin } from './kafkaTopics.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';
import { TidemarkProcess, type ProcessEnd } from './tidemarkProcess.ts';

const reportOf = ({ stdout }: ProcessEnd): DoctorReport => JSON.parse(stdout) as DoctorReport;

const findingOf = (end: ProcessEnd, id: string) => reportOf(end).checks.find((check) => check.id === id);

/** What fails or could not be done, by the id of its check. */
const badOf = (end: ProcessEnd): readonly string[] =>
  reportOf(end)
    .checks.filter(({ outcome }) => outcome === 'fail' || outcome === 'notDone')
    .map(({ id }) => id);

/** Every path of the folder, files with their size and time: a folder's time tells of what came and went. */
function filesOf(folder: string): readonly unknown[] {
  const all = readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted();
  return all.map((file) => {
    const { size, mtimeMs, mode } = statSync(path.join(folder, file));
    return statSync(path.join(folder, file)).isDirectory() ? { file, mode } : { file, mode, size, mtimeMs };
  });
}

/** Topics, group and streams whose names begin with that of the job; all of them hold its unique name. */
async function servicesOf({ name }: TestJob): Promise<unknown> {
  const { brokers, natsUrl } = services();
  const kafka = await withAdmin(brokers, async (admin) => {
    const { groups } = await admin.listGroups();
    const own = groups.filter(({ groupId }) => groupId.startsWith(name));
    return {
      topics: (await admin.listTopics()).filter((topic) => topic.startsWith(name)).toSorted(),
      groups: own,
      offsets: own.length === 0 ? [] : await admin.fetchOffsets({ groupId: name }),
    };
  });
  const connection = await connect({ servers: natsUrl });
  try {
    const streams: unknown[] = [];
    for await (const { config, state } of (await jetstreamManager(connection)).streams.list())
      if (config.name.startsWith(name)) streams.push({ name: config.name, lastSeq: state.last_seq });
    return { ...kafka, streams };
  } finally {
    await connection.close();
  }
}

/** A job on the shared services, over a topic with three records. */
async function readyJob(theme: string, topics: (topic: string) => readonly string[] = (topic) => [topic]) {
  const { brokers, natsUrl } = services();
  const topic = uniqueName(theme);
  await makeTopic(brokers, topic, { partitions: 2 });
  await produce(brokers, topic, numbers(1, 0, 3));
  return new TestJob({ brokers, topic, topics: topics(topic), nats: { url: natsUrl, stream: topic } });
}

/** Loaded into the command: the first file that gets a second name waits until SIGINT has come. */
const HOLD_LINK = `
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
const { link } = fs;
fs.link = async (...names) => {
  fs.link = link;
  const signal = new Promise((resolve) => process.once('SIGINT', resolve));
  process.stderr.write('{"level":"info","msg":"the link is held"}\\n');
  await signal;
  return link(...names);
};
syncBuiltinESMExports();
`;

describeIntegration(
  'tidemark doctor',
  () => {
    test('finds nothing against a job that can run, before and after, and leaves nothing', async () => {
      const job = await readyJob('doctor-ready');
      const [newFiles, newServices] = [filesOf(job.folder), await servicesOf(job)];
      const first = await job.command('doctor', '--json');
      expectCode(first, 0);
      expect(badOf(first)).toEqual([]);
      expect(reportOf(first).leftovers).toEqual([]);
      expect(findingOf(first, 'nats-append')?.outcome).toBe('pass');
      expect(findingOf(first, 'kafka-join')?.outcome).toBe('pass');
      expect(filesOf(job.folder)).toEqual(newFiles);
      expect(await servicesOf(job)).toEqual(newServices);

      await job.finish();
      const [files, inServices] = [filesOf(job.folder), await servicesOf(job)];
      const later = await job.command('doctor');
      expectCode(later, 0);
      expect(later.stdout).toContain('names this journal');
      expect(filesOf(job.folder)).toEqual(files);
      expect(await servicesOf(job)).toEqual(inServices);
    });

    test('names a topic that is missing, and looks at the others all the same', async () => {
      const job = await readyJob('doctor-missing', (topic) => [topic, `${topic}-missing`]);
      const before = await servicesOf(job);
      const end = await job.command('doctor', '--json');
      expectCode(end, 1);
      expect(badOf(end)).toEqual(['kafka-topics']);
      expect(findingOf(end, 'kafka-topics')?.found).toContain(`there is no topic ${job.name}-missing`);
      expect(findingOf(end, 'kafka-read')?.outcome).toBe('pass');
      expect(await servicesOf(job)).toEqual(before);
    });

    test('cannot finish where Kafka is away', async () => {
      const job = new TestJob({ brokers: ['127.0.0.1:1'], topic: uniqueName('doctor-away') });
      const end = await job.command('doctor', '--json');
      expectCode(end, 3);
      expect(findingOf(end, 'kafka-brokers')).toMatchObject({
        outcome: 'notDone',
        found: expect.stringContaining('127.0.0.1:1') as string,
      });
      expect(badOf(end).filter((id) => !id.startsWith('kafka-'))).toEqual([]);
      expect(readdirSync(job.folder)).toEqual(['job.yaml']);
    });

    test('names a listener that is announced at an address that nobody reaches', async () => {
      const [port, outside, controller] = [await freePort(), await freePort(), await freePort()];
      await using kafka = await startKafka({
        port,
        config: {
          'controller.quorum.voters': `1@127.0.0.1:${controller}`,
          listeners:
            `PLAINTEXT://127.0.0.1:${port},OUTSIDE://127.0.0.1:${outside},` +
            `CONTROLLER://127.0.0.1:${controller}`,
          'advertised.listeners': `PLAINTEXT://127.0.0.1:${port},OUTSIDE://127.0.0.1:1`,
          'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,OUTSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT',
          'inter.broker.listener.name': 'PLAINTEXT',
        },
      });
      const topic = uniqueName('doctor-listener');
      await makeTopic(kafka.brokers, topic);
      const job = new TestJob({ brokers: [`127.0.0.1:${outside}`], topic });
      const end = await job.command('doctor', '--json');
      expectCode(end, 1);
      expect(findingOf(end, 'kafka-brokers')?.outcome).toBe('pass');
      expect(findingOf(end, 'kafka-listeners')).toMatchObject({
        outcome: 'fail',
        found: expect.stringContaining('broker 1 at 127.0.0.1:1 (') as string,
        howToMend: expect.stringContaining('advertised.listeners') as string,
      });
    });

    test('removes what it has made where SIGINT ends it', async () => {
      const job = await readyJob('doctor-stopped');
      const markers = path.join(job.lake, '.tidemark');
      mkdirSync(markers, { recursive: true });
      const mine = path.join(job.lake, 'of-others.txt');
      writeFileSync(mine, 'a file of others\n');
      const [files, inServices] = [filesOf(job.folder), await servicesOf(job)];
      const hold = `--import=data:text/javascript,${encodeURIComponent(HOLD_LINK)}`;
      const run = new TidemarkProcess(['doctor', job.file, '--json'], { NODE_OPTIONS: hold });
      onTestFinished(async () => {
        await run.killed();
      });
      await run.said('the link is held');
      const [scratch = ''] = readdirSync(markers);
      expect(scratch).toMatch(/^_doctor-/);
      expect(readdirSync(path.join(markers, scratch))).not.toEqual([]);
      run.kill('SIGINT');
      const end = await run.ended;
      expectCode(end, 130);
      expect(reportOf(end).leftovers).toEqual([]);
      expect(badOf(end)).toContain('local-links');
      expect(existsSync(mine)).toBe(true);
      expect(filesOf(job.folder)).toEqual(files);
      expect(await servicesOf(job)).toEqual(inServices);
    });
  },
  { ownServers: true },
);
