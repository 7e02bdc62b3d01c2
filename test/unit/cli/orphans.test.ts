import { describe, expect, it } from 'vitest';
import { StoreFailure } from '../../../src/stores/failure.ts';
import type { FoundOrphan, OrphansCommandOptions } from '../../../src/app/orphans.ts';
import { fakeCli, NO_ORPHANS } from './fakeCli.ts';

const ORPHAN: FoundOrphan = {
  uri: 'file:///lake/.tidemark-0123456789abcdef0123456789abcdef',
  ...{ uploadId: null, bytes: 2_048, modifiedAtMs: 0, ageMs: 90_061_000, kind: 'data' },
  ...{ partition: 'clicks/0', partId: '0123456789abcdef0123456789abcdef' },
  ...{ finalUri: 'file:///lake/part-clicks-0-00000000000000000000', end: 'discarded', removal: null },
  madeBy: { seq: 7, at: '2026-11-29T12:00:00.000Z', epoch: 4, claimId: 'c', owner: 'host-1:4711' },
};
const UPLOAD: FoundOrphan = { ...ORPHAN, uri: ORPHAN.finalUri, kind: 'upload', uploadId: 'U1', bytes: null };
const removed = { type: 'removed' } as const;
const failed = { type: 'failed', code: 'STORE_UNAVAILABLE', message: 'not now' } as const;

describe('orphans', () => {
  it.each([
    ['nothing', NO_ORPHANS, [], 0],
    ['a finding', { ...NO_ORPHANS, orphans: [ORPHAN] }, [], 1],
    ['all removed', { ...NO_ORPHANS, orphans: [{ ...ORPHAN, removal: removed }] }, ['--delete'], 0],
    ['spared', { ...NO_ORPHANS, orphans: [{ ...ORPHAN, removal: { type: 'spared' } }] }, ['--delete'], 0],
    ['not removed', { ...NO_ORPHANS, orphans: [{ ...ORPHAN, removal: failed }] }, ['--delete'], 1],
    ['refused', { ...NO_ORPHANS, refusals: [{ code: 'ENTRY_DAMAGED', message: 'x' }] }, ['--delete'], 3],
  ] as const)('%s: ends with the exit code for it', async (_name, outcome, args, code) => {
    const cli = fakeCli({ orphans: async () => outcome });
    expect((await cli.run('orphans', 'job.yaml', ...args)).code).toBe(code);
  });

  it('ends with 3 where the destination does not answer', async () => {
    const away = new StoreFailure('unavailable', 'The destination does not answer.');
    const cli = fakeCli({ orphans: () => Promise.reject(away) });
    expect((await cli.run('orphans', 'job.yaml')).code).toBe(3);
  });

  it.each([
    [[], null],
    [['--delete'], 86_400_000],
    [['--delete', '--min-age', '0s'], 0],
    [['--delete', '--min-age', '90m'], 5_400_000],
  ] as const)('%s deletes from the age %s ms on', async (args, ageMs) => {
    const asked: OrphansCommandOptions[] = [];
    const cli = fakeCli({
      orphans: async (_config, options) => {
        asked.push(options);
        return NO_ORPHANS;
      },
    });
    await cli.run('orphans', 'job.yaml', ...args);
    expect(asked.map(({ deleteFromAgeMs }) => deleteFromAgeMs)).toEqual([ageMs]);
  });

  it('refuses an age that is none', async () => {
    const { code, stderr } = await fakeCli().run('orphans', 'job.yaml', '--delete', '--min-age', 'soon');
    expect(code).toBe(2);
    expect(stderr).toContain('--min-age soon');
  });

  it('shows each with its age, size, kind, partition and maker, and the rest in sums', async () => {
    const outcome = {
      ...NO_ORPHANS,
      orphans: [ORPHAN, UPLOAD],
      needed: { count: 3, bytes: 1_024 },
      withheld: [{ partition: 'clicks/1', code: 'SOURCE_RANGE_LOST', count: 1, bytes: 10 }],
      unknown: { count: 2, bytes: 20 },
    };
    const { stdout } = await fakeCli({ orphans: async () => outcome }).run('orphans', 'job.yaml');
    expect(stdout).toContain('2 orphans, 2.0 KiB and 1 upload of unknown size; --delete removes them\n');
    expect(stdout).toContain(
      '1d 1h  2.0 KiB  data    clicks/0   epoch 4 (host-1:4711) at 2026-11-29T12:00:00.000Z  discarded  ' +
        `${ORPHAN.uri}\n`,
    );
    expect(stdout).toContain(`${ORPHAN.finalUri} (upload U1)\n`);
    expect(stdout).toContain('3 names of files that are not published yet (1.0 KiB)\n');
    expect(stdout).toContain('1 name of clicks/1, which is stopped (SOURCE_RANGE_LOST), left alone: 10 B\n');
    expect(stdout).toContain("2 names that this job's journal does not hold, left alone: 20 B");
  });

  it('says of each what became of it', async () => {
    const orphans = [
      { ...ORPHAN, removal: removed },
      { ...UPLOAD, removal: failed },
    ];
    const cli = fakeCli({ orphans: async () => ({ ...NO_ORPHANS, orphans }) });
    const { stdout } = await cli.run('orphans', 'job.yaml', '--delete');
    expect(stdout).toContain('2 orphans, 2.0 KiB and 1 upload of unknown size: 1 removed, 1 not removed\n');
    expect(stdout).toContain(`${UPLOAD.uri} was not removed (STORE_UNAVAILABLE): not now\n`);
  });

  it('says why nothing was judged', async () => {
    const refusals = [{ code: 'WITNESS_DIFFERS', message: 'clicks/0: the journal ends at entry 3' }];
    const cli = fakeCli({ orphans: async () => ({ ...NO_ORPHANS, refusals }) });
    const { stdout } = await cli.run('orphans', 'job.yaml');
    expect(stdout).toContain('nothing is called an orphan, and nothing was removed');
    expect(stdout).toContain('WITNESS_DIFFERS: clicks/0: the journal ends at entry 3\n');
  });

  it('gives one document with --json', async () => {
    const cli = fakeCli({ orphans: async () => ({ ...NO_ORPHANS, orphans: [ORPHAN] }) });
    const { stdout } = await cli.run('orphans', 'job.yaml', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      job: 'clicks',
      orphans: [{ uri: ORPHAN.uri, modifiedAt: '1970-01-01T00:00:00.000Z', madeBy: { epoch: 4 } }],
    });
  });
});
