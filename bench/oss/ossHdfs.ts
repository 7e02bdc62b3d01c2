/** OSS-HDFS on the loopback server as Tidemark's destination. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fetchJindosdk } from '../../scripts/jindosdk/fetch.ts';
import { findCommand, runCommand } from '../../scripts/services/processes.ts';
import type { Destination } from '../harness/contestants.ts';
import { digestFolder } from '../harness/lineDigest.ts';
import { BUCKET, CREDENTIALS, REGION, type OssServer } from './ossServer.ts';

/** Rejects without JindoSDK: Tidemark writes and the bench reads through it. */
export async function ensureOssHdfs(
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<{ readonly pythonPath: string }> {
  const { pythonPath } = await fetchJindosdk(log, { signal });
  if (findCommand('python3') !== undefined) return { pythonPath };
  throw new Error(
    "not on the PATH: python3, which reads back what was written through JindoSDK's own interface",
  );
}

export function intoOssHdfs(server: OssServer, pythonPath: string): Destination {
  return {
    sinkOf: (name) => ({
      path: `oss://${BUCKET}.${REGION}.oss-dls.aliyuncs.com/${name}`,
      endpoint: server.endpoint,
      credentials: CREDENTIALS,
    }),
    digestOf: async (name, runFolder) => {
      server.runIsOver();
      const into = path.join(runFolder, 'fetched');
      mkdirSync(into, { recursive: true });
      const script = path.join(import.meta.dirname, 'fetchFolder.py');
      const where = [server.address, `oss://${BUCKET}/`, name, into, server.folder];
      const { accessKeyId, accessKeySecret } = CREDENTIALS;
      const args = [script, ...where, accessKeyId, accessKeySecret];
      await runCommand('python3', args, { env: { PYTHONPATH: pythonPath } });
      return digestFolder(into);
    },
  };
}
