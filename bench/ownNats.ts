/** A nats-server for one bench of a journal, so that none has to run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { logToStderr } from '../scripts/services/common.ts';
import { launchNats } from '../scripts/services/nats.ts';
import { endProcess, freePort } from '../scripts/services/processes.ts';

const GRACE_MS = 30_000;

/**
 * Runs the work with the address of a server that is ended and removed behind it. The server syncs as rarely
 * as it does by default: how long it takes to fill the journal is not measured.
 */
export async function withOwnNats<T>(work: (natsUrl: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(path.join(tmpdir(), 'tidemark-bench-nats-'));
  try {
    const port = await freePort();
    const common = { detached: false, log: logToStderr, syncInterval: '2m' } as const;
    const { pid, identity } = await launchNats({ dir, port, ...common });
    try {
      return await work(`nats://127.0.0.1:${String(port)}`);
    } finally {
      await endProcess(pid, identity, GRACE_MS);
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
