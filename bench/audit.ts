/**
 * Measures how fast an audit replays a long journal, beside a claim that replays the same one. Files are
 * taken for whole: reading them back is the destination's time.
 */
import type { Journal } from '../journal/port.ts';
import type { JobName } from '../journal/ids.ts';
import { auditJob, type AuditPorts } from '../src/audit/auditJob.ts';
import type { AuditReport } from '../src/audit/auditReport.ts';
import { claimOnce, cpuOf, withLongJournal, type ClaimOptions } from './claim.ts';
import { openJournal } from './fillJournal.ts';

export interface AuditMeasured {
  readonly entries: number;
  readonly bytes: number;
  readonly auditSeconds: number;
  /** CPU time of this process, which other load on the machine barely affects. */
  readonly auditCpuSeconds: number;
  readonly claimCpuSeconds: number;
  /** Of this process up to the end of the audit: it also made the journal. */
  readonly peakMiB: number;
}

export function measureAudit(options: Omit<ClaimOptions, 'claims'>): Promise<AuditMeasured> {
  const { entries, onProgress } = options;
  return withLongJournal(options, async ({ place, job, bytes }) => {
    onProgress?.('auditing it');
    const journal = await openJournal(place, 'existing');
    const startedAtMs = performance.now();
    const { result: report, cpuSeconds } = await cpuOf(() => audited(journal, job));
    const auditSeconds = (performance.now() - startedAtMs) / 1_000;
    const peakMiB = process.resourceUsage().maxRSS / 1_024;
    await journal.close();
    if (report.findingsTotal > 0) throw new Error(report.findings.map(({ message }) => message).join('\n'));
    onProgress?.('claiming it');
    const { cpuSeconds: claimCpuSeconds } = await cpuOf(() => claimOnce(place, job, true));
    return { entries, bytes, auditSeconds, auditCpuSeconds: cpuSeconds, claimCpuSeconds, peakMiB };
  });
}

function audited(journal: Journal, job: JobName): Promise<AuditReport> {
  const store: AuditPorts['store'] = {
    readMarker: () => Promise.resolve(journal.id),
    listWitnesses: () => Promise.resolve([]),
    reading: {
      showsUnpublished: true,
      list: async function* () {
        yield* [];
      },
      read: async function* () {
        yield* [];
      },
      verify: () => Promise.resolve({ type: 'same' }),
    },
  };
  return auditJob(
    { journal, store, survey: () => Promise.resolve([]) },
    {
      ...{ job, moved: () => false, signal: new AbortController().signal, onProgress: () => undefined },
      naming: { sinkUri: 'file:///lake', prefix: 'part', suffix: '.ndjson', entropy: null },
    },
  );
}
