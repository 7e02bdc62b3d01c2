import { expect, test } from 'vitest';
import { describeIntegration } from '../services/integration.ts';
import { startNats } from '../services/servers.ts';
import { comeBack, flipLastEntry, flipStream, natsJobToAudit } from './auditFlipsNats.ts';

describeIntegration(
  'an audit of a NATS journal whose store has a flipped bit',
  () => {
    test('finds it, or it does no harm (50 bits)', async () => {
      await using nats = await startNats();
      const audited = await natsJobToAudit(nats);
      expect(await comeBack(audited)).toBe('harmless');
      const problems: unknown[] = [];
      const counts = { found: 0, refused: 0, harmless: 0 };
      for (let seed = 1; seed <= 50; seed += 1)
        await flipStream(audited, seed).then(
          (outcome) => (counts[outcome] += 1),
          (error: unknown) => problems.push(error),
        );
      console.log(JSON.stringify(counts));
      expect(problems).toEqual([]);
      // Else the bits hit nothing that counts.
      expect(counts.found).toBeGreaterThan(0);
      expect(counts.harmless).toBeGreaterThan(0);
      const { findings } = await flipLastEntry(audited);
      expect(findings.map(({ code }) => code)).toEqual(['ENTRIES_LOST']);
    });
  },
  { timeoutMs: 600_000, ownServers: true },
);
