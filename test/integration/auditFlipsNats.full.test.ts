import { expect, test } from 'vitest';
import { describeIntegration } from '../services/integration.ts';
import { startNats } from '../services/servers.ts';
import { flipStream, natsJobToAudit } from './auditFlipsNats.ts';

const [FROM, BITS] = [1_000, 500];

describeIntegration(
  'an audit of a NATS journal whose store has a flipped bit',
  () => {
    test(`finds it, or it does no harm (${BITS} bits)`, async () => {
      await using nats = await startNats();
      const audited = await natsJobToAudit(nats);
      const problems: unknown[] = [];
      const counts = { found: 0, refused: 0, harmless: 0 };
      for (let seed = FROM; seed < FROM + BITS; seed += 1)
        await flipStream(audited, seed).then(
          (outcome) => (counts[outcome] += 1),
          (error: unknown) => problems.push(error),
        );
      console.log(JSON.stringify(counts));
      expect(problems).toEqual([]);
      expect(counts.found).toBeGreaterThan(0);
    });
  },
  { timeoutMs: 3_600_000, ownServers: true },
);
