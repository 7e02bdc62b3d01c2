/** A whole job that writes to plain OSS, killed once: what it leaves there, and that audit finds it right. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { aliOss } from '../servers/oss/testClient.ts';
import { ownFolder, ownOssServerProcess } from '../servers/oss/fixture.ts';
import { cleanAudit } from './auditing.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';

const SECRET = 'kLmN0pQrStUvWxYz-very-secret';
const LINES = 60_000;
const line = (id: number): string => `{"id":${id},"text":"${'x'.repeat(id % 50)}"}`;

interface Own {
  readonly job: TestJob;
  readonly server: Awaited<ReturnType<typeof ownOssServerProcess>>;
  /** Texts of the objects that readers see, by name. */
  readonly committed: () => Promise<Map<string, string>>;
  readonly hidden: () => Promise<string[]>;
}

async function jobOnOss(sections: Readonly<Record<string, unknown>> = {}): Promise<Own> {
  const server = await ownOssServerProcess(await ownFolder(), '--access-key-secret', SECRET);
  const topic = uniqueName('oss');
  const sink = {
    path: `oss://lake.oss-cn-test.aliyuncs.com/${topic}`,
    endpoint: `http://${server.address}`,
    credentials: { accessKeyId: 'test-id', accessKeySecret: SECRET },
    uploadPartSize: '256KiB',
  };
  const job = new TestJob({
    ...{ brokers: [], topic },
    sections: {
      ...{ source: { file: { path: 'data/*.txt' } }, sink },
      ...{ roll: { maxBytes: '600KiB', maxAge: '1h', maxIdle: '1h' }, checkpoint: { interval: '200ms' } },
      ...sections,
    },
  });
  mkdirSync(path.join(job.folder, 'data'));
  const lines = Array.from({ length: LINES }, (_, id) => line(id));
  writeFileSync(path.join(job.folder, 'data', 'lines.txt'), `${lines.join('\n')}\n`);
  const client = aliOss(server.address, {
    ...{ credential: { accessKeyId: 'test-id', accessKeySecret: SECRET }, v4: true },
  });
  const names = async (): Promise<string[]> => {
    const { objects } = await client.list({ prefix: `${topic}/`, 'max-keys': 1_000 }, {});
    return objects.map(({ name }) => name.slice(topic.length + 1));
  };
  const isHidden = (name: string): boolean => name.split('/').some((step) => step.startsWith('.'));
  return {
    ...{ job, server },
    committed: async () => {
      const found = new Map<string, string>();
      for (const name of (await names()).filter((one) => !isHidden(one))) {
        const { content } = (await client.get(`${topic}/${name}`)) as { content: Buffer };
        found.set(name, content.toString());
      }
      return found;
    },
    hidden: async () => (await names()).filter((name) => isHidden(name) && !name.startsWith('.tidemark/')),
  };
}

function idsOf(files: Map<string, string>): number[] {
  const lines = [...files.values()].flatMap((text) => text.split('\n').slice(0, -1));
  return lines.map((text) => (JSON.parse(text) as { id: number }).id).toSorted((a, b) => a - b);
}

const ALL = Array.from({ length: LINES }, (_, id) => id);

/** Every file below a folder that holds a text; the job file may. */
function filesHolding(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'job.yaml')
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file).includes(text));
}

test('killed and run to the end: each line once, nothing left over, its secret nowhere', async () => {
  const { job, server, committed, hidden } = await jobOnOss();
  await server.arm({ type: 'cutAfter', operation: 'CompleteMultipartUpload' });
  await server.arm({ type: 'status', status: 503, operation: 'UploadPart', skip: 3, times: 2 });
  const first = job.start();
  await first.said('file committed');
  await first.killed();
  const end = await job.finish();
  expect(end.stdout + end.stderr).not.toContain(SECRET);
  const files = await committed();
  expect(files.size).toBeGreaterThan(2);
  expect(idsOf(files)).toEqual(ALL);
  expect(await hidden()).toEqual([]);
  expect(filesHolding(job.folder, SECRET)).toEqual([]);
});

test('audit compares every file by HEAD alone, and audit --deep reads them', async () => {
  const { job, server } = await jobOnOss();
  await job.finish();
  const before = (await server.calls()).length;
  await cleanAudit(job);
  const operations = (await server.calls()).slice(before).map(({ operation }) => operation);
  expect(operations).toContain('HeadObject');
  // The marker is read.
  expect(operations.filter((one) => one === 'GetObject').length).toBeLessThanOrEqual(1);
  await cleanAudit(job, '--deep');
});

test('a wrong key is reported without showing it, and ends the run', async () => {
  const { job, server } = await jobOnOss();
  await server.arm({ type: 'status', status: 403, code: 'InvalidAccessKeyId', times: 1e6 });
  const end = await job.untilEnd();
  expectCode(end, 2);
  expect(end.stderr).toContain('STORE_AUTHENTICATION');
});

test('a bucket with versioning is refused before anything is read', async () => {
  const { job, server, committed } = await jobOnOss();
  const credential = { accessKeyId: 'test-id', accessKeySecret: SECRET };
  const client = aliOss(server.address, { credential }) as unknown as {
    putBucketVersioning(name: string, status: string): Promise<unknown>;
  };
  await client.putBucketVersioning('lake', 'Suspended');
  const end = await job.untilEnd();
  expectCode(end, 2);
  expect(end.stderr).toContain('OSS_BUCKET_VERSIONED');
  expect((await committed()).size).toBe(0);
});
