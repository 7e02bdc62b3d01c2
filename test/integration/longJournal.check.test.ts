import { expect, test } from 'vitest';
import { measureClaims } from '../../bench/claim.ts';
import type { JournalKind } from '../../bench/fillJournal.ts';
import { measureRestarts } from '../../bench/restart.ts';
import { describeIntegration, services } from '../services/integration.ts';

const KINDS: readonly JournalKind[] = ['sqlite', 'jetstream'];

describeIntegration('the benches of long journals, with short ones', () => {
  test.each(KINDS)('a %s journal is claimed by a replay, and from its snapshot', async (journal) => {
    const { natsUrl } = services();
    const result = await measureClaims({ journal, natsUrl, entries: 3_000, claims: 3 });
    expect(result.entries).toBe(3_000);
    expect(result.bytes).toBeGreaterThan(3_000 * 300);
    for (const seconds of [result.replaySeconds, result.replayCpuSeconds, result.snapshotSeconds])
      expect(seconds).toBeGreaterThan(0);
  });

  test.each(KINDS)('a coordinator with a %s journal is killed, and its next one writes', async (journal) => {
    const { brokers, natsUrl } = services();
    const [restart] = await measureRestarts({ brokers, natsUrl, journal, entries: 6_000, kills: 1 });
    expect(restart?.fromKillSeconds).toBeGreaterThan(restart?.fromStartSeconds ?? Infinity);
    expect(restart?.phases.map(({ message }) => message)).toContain('partition claimed');
  });
});
