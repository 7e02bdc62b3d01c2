/**
 * How fast an audit replays a journal, against a claim: both read every entry, check its hash and fold it.
 */
import { measureAudit } from '../audit.ts';
import { durationOf, type Row } from './row.ts';

const ROUNDS = 3;
const ENTRIES = 1_000_000;
const QUICK_ENTRIES = 2_000;

export const audit: Row = {
  name: 'audit',
  ratio: "entries per CPU second of an audit over those of a claim's full replay, SQLite",
  goal: { atLeast: 0.9 },
  run: async ({ rounds, isQuick, natsUrl, signal, log }) => {
    const entries = isQuick ? QUICK_ENTRIES : ENTRIES;
    const claims: number[] = [];
    const audits: number[] = [];
    for (let round = 1; round <= (rounds ?? ROUNDS); round += 1) {
      signal.throwIfAborted();
      const onProgress = (message: string): void => log(`audit ${round}: ${message}`);
      const { auditCpuSeconds, claimCpuSeconds } = await measureAudit({
        ...{ journal: 'sqlite', natsUrl, entries, onProgress },
      });
      audits.push(auditCpuSeconds);
      claims.push(claimCpuSeconds);
    }
    const [claim, own] = [durationOf('claim', claims), durationOf('audit', audits)];
    return {
      ratio: claim.spread.median / own.spread.median,
      ...{ experiments: [], bounds: [] },
      durations: [claim, own],
      notes: [`${entries} entries of one partition; CPU seconds`],
    };
  },
};
