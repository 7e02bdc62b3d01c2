/** The paths that `tidemark plan` prints are those that a run writes. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { backend } from '../../src/app/application.ts';
import { loadJobConfig } from '../../src/app/jobFile/loadJobConfig.ts';
import type { TopicPlan } from '../../src/plan/planReport.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { expectCode } from '../integration/testJob.ts';
import { tidemark } from '../integration/tidemarkProcess.ts';

const BAD = 'no JSON';
/** Of a year: folders come and go. */
const time = fc.integer({ min: 1_767_225_600_000, max: 1_798_761_600_000 });
const line = fc.oneof(
  { weight: 9, arbitrary: fc.record({ at: time, kind: fc.constantFrom('a', 'b c', 'ü/..', '') }) },
  { weight: 1, arbitrary: fc.constant(BAD) },
);
const drawn = fc.record({
  files: fc.array(fc.array(line, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 4 }),
  bucket: fc.constantFrom<object>(
    { by: 'none' },
    { by: 'record-time', pattern: "yyyy/MM/'d='dd--HH", timezone: 'Asia/Kathmandu' },
    { by: 'field', field: 'at', unit: 'ms', pattern: "yyyy-MM/'kind='{value.kind}" },
  ),
  content: fc.constantFrom<object>(
    { format: 'text' },
    { format: 'json', compression: { codec: 'zstd' } },
    { format: 'json', envelope: 'record', prefix: 'quake', suffix: '.x' },
    { format: 'parquet' },
  ),
  sample: fc.integer({ min: 1, max: 20 }),
});

/** Each is a process. */
const RUNS = 6;

test('a record would begin the file that it begins', { timeout: 300_000 }, async () => {
  const kinds = new Set<string>();
  const property = fc.asyncProperty(drawn, async ({ files, bucket, content, sample }) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-plan-'));
    try {
      const texts = files.map((lines) => lines.map((each) => (each === BAD ? BAD : JSON.stringify(each))));
      for (const [index, lines] of texts.entries())
        writeFileSync(path.join(folder, nameOf(index)), lines.map((text) => `${text}\n`).join(''));
      const job = {
        ...{ job: 'paths', source: { file: { path: '*.ndjson', time: 'at' } } },
        ...{ sink: { path: 'lake', ...content }, bucket, bad: { to: 'file' } },
        // Each record has a file of its own.
        roll: { maxRecords: 1 },
      };
      writeFileSync(path.join(folder, 'job.yaml'), stringify(job));
      const topics = await planned(folder, sample);
      expect(topics.map(({ topic }) => topic)).toEqual(texts.map((_, index) => nameOf(index)));
      expectCode(await tidemark(['run', path.join(folder, 'job.yaml'), '--until-end']), 0);
      for (const [index, { paths }] of topics.entries()) {
        const lines = texts[index] ?? [];
        expect(paths.at(-1)?.offset).toBe(BigInt(lines.length - 1));
        for (const { uri, offset, bucket: of } of paths) {
          kinds.add(of === '_bad' ? 'bad' : 'good');
          const file = uri.slice('file://'.length);
          expect(existsSync(file), `${uri} of record ${offset}`).toBe(true);
          if ('format' in content && content.format === 'text' && of !== '_bad')
            expect(readFileSync(file, 'utf8')).toBe(`${lines[Number(offset)] ?? ''}\n`);
        }
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
  await fc.assert(property, { numRuns: RUNS, seed: 7 });
  expect(kinds).toEqual(new Set(['bad', 'good']));
});

const nameOf = (index: number): string => `${index}.ndjson`;

/** The topics of a plan, which writes nothing. */
async function planned(folder: string, sampleOffsets: number): Promise<readonly TopicPlan[]> {
  const config = loadJobConfig({ path: 'job.yaml', overrides: [], env: {}, cwd: folder });
  const before = readdirSync(folder, { recursive: true }).toSorted();
  const { topics } = await backend.planJob(config, {
    ...{ sampleOffsets, timeoutMs: 60_000, log: silentLog },
    onProgress: () => undefined,
  });
  expect(readdirSync(folder, { recursive: true }).toSorted()).toEqual(before);
  return topics;
}
