/** The commands of docs/operating.md that move a job to another journal, as they stand there. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { connect } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';
import { expect, onTestFinished, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { describeIntegration, services } from '../services/integration.ts';
import { committedDigests } from './numbers.ts';
import { expectCode, scratchFolder, uniqueName } from './testJob.ts';
import { tidemark } from './tidemarkProcess.ts';

const PAGE = path.resolve(import.meta.dirname, '../../docs/operating.md');

/** Blocks of the page's section, in order: commands of `sh`, and keys of `yaml`. */
function steps(): { readonly language: string; readonly text: string }[] {
  const [, section = ''] = readFileSync(PAGE, 'utf8').split('## Move a job to another journal\n');
  return [...section.matchAll(/```(\w+)\n([\s\S]*?)```/g)].map(([, language = '', text = '']) => ({
    language,
    text,
  }));
}

interface Journal {
  readonly journal: { readonly nats: { readonly servers: string[]; stream: string; replicas: number } };
}

describeIntegration('docs/operating.md', () => {
  test('moves a job to another journal: every line of its source is in a file once', async () => {
    const folder = scratchFolder();
    const [job, source] = [path.join(folder, 'job.yaml'), path.join(folder, 'clicks.ndjson')];
    const document = { job: 'clicks', source: { file: { path: source } }, sink: { path: 'lake' } };
    writeFileSync(source, 'one\ntwo\n');
    writeFileSync(job, stringify({ ...document, bucket: { by: 'none' } }));
    expectCode(await tidemark(['run', job, '--until-end']), 0);
    writeFileSync(source, 'one\ntwo\nthree\n');

    const stream = uniqueName('MOVED');
    onTestFinished(async () => {
      const connection = await connect({ servers: services().natsUrl });
      await (await jetstreamManager(connection)).streams.delete(stream);
      await connection.close();
    });
    const commands: string[] = [];
    for (const { language, text } of steps()) {
      if (language === 'yaml') {
        const { nats } = (parse(text) as Journal).journal;
        const journal = { nats: { ...nats, servers: [services().natsUrl], stream, replicas: 1 } };
        writeFileSync(job, stringify({ ...document, bucket: { by: 'none' }, journal }));
        continue;
      }
      for (const line of text.trim().split('\n')) {
        const [, , ...words] = line.replace(/\s+#.*$/, '').split(' ');
        commands.push(words.filter((word) => !word.includes('.')).join(' '));
        const args = words.map((word) => (word.includes('.') ? path.join(folder, word) : word));
        // The service would run on; up to its end it does the same.
        expectCode(await tidemark(args[0] === 'run' ? [...args, '--until-end'] : args), 0);
      }
    }
    expect(commands).toEqual(['journal export', 'journal import', 'audit', 'run']);
    const lake = path.join(folder, 'lake');
    const committed = [...committedDigests(lake).keys()].sort();
    expect(committed.map((name) => readFileSync(path.join(lake, name), 'utf8'))).toEqual([
      'one\ntwo\n',
      'three\n',
    ]);
    const status = await tidemark(['status', job, '--json']);
    expect(JSON.parse(status.stdout)).toMatchObject({ journal: { kind: 'nats' } });
    expectCode(await tidemark(['audit', job, '--deep']), 0);
  });
});
