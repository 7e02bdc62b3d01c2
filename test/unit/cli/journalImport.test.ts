import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { interrupted, NOTHING_WRITTEN } from '../../../journal/importing.ts';
import { fakeCli, type FakeCli } from './fakeCli.ts';

const FOUND = { journalId: 'the-journal', entries: 1_234, partitions: 2, bytes: 2_048 };

describe('journal import', () => {
  it('hands on the job and the file, and says what became of it', async () => {
    const seen: string[] = [];
    const cli = fakeCli({
      importJournal: async (config, { file }) => {
        seen.push(config.job, file);
        return { ...FOUND, entriesThere: 1_000, requestsLeftOut: 1 };
      },
    });
    const file = path.join(cli.dir, 'clicks.journal');
    const { code, stdout } = await cli.run('journal', 'import', 'job.yaml', 'clicks.journal');
    expect([code, ...seen]).toEqual([0, 'clicks', file]);
    expect(stdout).toBe(
      `journal the-journal of job clicks, imported from ${file}: 1,234 entries of 2 partitions, 2.0 KiB, ` +
        'every hash as it should be\n' +
        '  1,000 of them were there from an earlier import\n  1 answered request left out\n',
    );
    const json = await cli.run('journal', 'import', 'job.yaml', 'clicks.journal', '--json');
    expect(JSON.parse(json.stdout)).toEqual({
      ...{ job: 'clicks', file, ...FOUND },
      ...{ entriesThere: 1_000, requestsLeftOut: 1 },
    });
    expect(cli.isListening).toBe(false);
  });

  it('ends at a signal in a state that it reports, and in bounded time; at once at the second', async () => {
    let cli: FakeCli | null = null;
    const made = fakeCli({
      importJournal: async (_config, { signal }) => {
        cli?.signal('SIGINT');
        expect([signal.aborted, cli?.exits, cli?.ends.map(({ code }) => code())]).toEqual([true, [], [130]]);
        cli?.signal('SIGTERM');
        expect(cli?.exits).toEqual([143]);
        throw interrupted(NOTHING_WRITTEN, signal.reason);
      },
    });
    cli = made;
    const { code, stdout, stderr } = await made.run('journal', 'import', 'job.yaml', 'x', '--json');
    expect(code).toBe(143);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'JOURNAL_IMPORT_UNFINISHED' } });
    expect(stderr).toContain('The import was interrupted. Nothing was written.');
    expect(made.isListening).toBe(false);
  });
});
