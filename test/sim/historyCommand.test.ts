/** `tidemark fuzz --from-journal` as a user calls it, on a journal that the world has written. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { TidemarkError } from '../../journal/errors.ts';
import type { EntriesOptions } from '../../src/app/history.ts';
import type { FuzzReport } from '../../sim/report.ts';
import { fakeCli, type FakeCli } from '../unit/cli/fakeCli.ts';
import { journalOf, lived, oneByOne } from './journaled.ts';

/** The command line above the journal of a run in which its process was killed. */
async function incident(asked: EntriesOptions[] = []): Promise<FakeCli> {
  const entries = journalOf(await lived([{ type: 'kill', process: 0, atMs: 600 }]));
  return fakeCli({
    partitionEntries: (_config, options) => {
      asked.push(options);
      return oneByOne(entries);
    },
  });
}

const FROM = ['fuzz', '--from-journal', 'job.yaml', '--partition', 'numbers/0'];

describe('tidemark fuzz --from-journal', { timeout: 120_000 }, () => {
  it('says what it has made of the journal, and that the promise was kept: exit 0', async () => {
    const cli = await incident();
    const { code, stdout, stderr } = await cli.run(...FROM, '--runs', '5', '--seed', '3');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^held: the promise was kept in 126 schedules, seed 3, store file\n {2}job clicks: /,
    );
    expect(stdout).toContain('\n  partition numbers/0, entries 1 to ');
    expect(stdout).toContain('\n  tried: as it happened; 120 crash points; 5 variations\n');
    expect(stdout).toContain('\n  as it happened:\n    1 process on the store "file", world 3\n');
    // One stretch comes to few of all transitions.
    expect(stdout).not.toContain('transitions of the machines');
  });

  it('--json is one document, with the schedule that replays it as it happened', async () => {
    const cli = await incident();
    const { code, stdout } = await cli.run(...FROM, '--runs', '1', '--seed', '3', '--json', '--around', '3');
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as FuzzReport;
    expect(report).toMatchObject({ mode: { type: 'history', runs: 1 }, failure: null });
    expect(report.history).toMatchObject({ partition: 'numbers/0', around: { seq: 3 }, notes: [] });
    expect(report.history?.schedule.faults).toMatchObject([{ type: 'crash' }]);
    expect(report.history?.likeness).toContainEqual({ event: 'epochClaimed', stretch: 2, world: 2 });
  });

  it('reads the partition that it is told, from the file that it is told', async () => {
    const asked: EntriesOptions[] = [];
    const cli = await incident(asked);
    await cli.run(...FROM, '--runs', '1', '--journal', 'clicks.journal', '--around', '99999');
    expect(asked).toMatchObject([
      {
        partition: { topic: 'numbers', partition: 0 },
        journalFile: path.join(cli.dir, 'clicks.journal'),
      },
    ]);
  });

  it('says what the journal holds if it does not reach the moment, and what it refuses', async () => {
    const cli = await incident();
    const beyond = await cli.run(...FROM, '--around', '99999');
    expect(beyond.code).toBe(1);
    expect(beyond.stderr).toContain(
      'Entry 99999 is outside of the journal of numbers/0. It holds entries 1 to ',
    );
    const refusing = fakeCli({
      // eslint-disable-next-line require-yield -- it refuses at once
      partitionEntries: async function* () {
        throw new TidemarkError('REQUEST_REFUSED', 'The journal does not know it.');
      },
    });
    expect((await refusing.run(...FROM)).stderr).toContain('The journal does not know it.');
  });

  it.each([
    [['--from-journal', 'job.yaml'], '--from-journal: also needs --partition topic/number'],
    [
      ['--from-journal', 'job.yaml', '--partition', 'a/0', '--for', '60s'],
      '--from-journal and --for: choose one',
    ],
    [
      ['--from-journal', 'job.yaml', '--partition', 'a/0', '--job', 'job.yaml'],
      '--from-journal and --job: choose',
    ],
    [
      ['--from-journal', 'job.yaml', '--partition', 'a/0', '--exhaustive'],
      '--from-journal and --exhaustive: ',
    ],
    [['--from-journal', 'job.yaml', '--partition', 'a'], '--partition a'],
    [
      ['--from-journal', 'job.yaml', '--partition', 'a/0', '--around', 'noon'],
      '--around noon: is neither a time',
    ],
    [['--around', '5'], '--around: needs --from-journal'],
    [['--partition', 'a/0'], '--partition: needs --from-journal'],
    [['--journal', 'a.journal'], '--journal: needs --from-journal'],
  ])('%j: exit 2, and says why', async (args, message) => {
    const { code, stderr } = await fakeCli().run('fuzz', ...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});
