import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { OssServerProcess } from '../../../servers/oss/process.ts';
import { OssServer, type OssServerOptions } from '../../../servers/oss/server.ts';

/** A folder of the test's own, gone with it. */
export async function ownFolder(): Promise<string> {
  const dir = await mkdtemp(path.join(tmpdir(), 'tidemark-oss-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** A server with the bucket `lake`, in this process, that ends with the test. */
export async function ownOssServer(options: Partial<OssServerOptions> = {}): Promise<OssServer> {
  const server = await OssServer.start({ dir: await ownFolder(), buckets: ['lake'], ...options });
  onTestFinished(() => server.stop());
  return server;
}

/** The same as a process of its own. */
export async function ownOssServerProcess(
  dir: string,
  ...options: readonly string[]
): Promise<OssServerProcess> {
  const server = await OssServerProcess.start(dir, ...options);
  onTestFinished(() => server.kill());
  return server;
}

/** The time of day, and what a test adds to it. */
export function handClock(): { readonly now: () => number; pass(ms: number): void } {
  let aheadMs = 0;
  return {
    now: () => Date.now() + aheadMs,
    pass: (ms) => void (aheadMs += ms),
  };
}
