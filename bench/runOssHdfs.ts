/**
 * `npm run bench:oss-hdfs -- [MEGABYTES] [FILES]`: against the tests' loopback server, in its own process.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fetchJindosdk } from '../scripts/jindosdk/fetch.ts';
import { checkoutDir, logToStderr } from '../scripts/services/common.ts';

// As in bin/tidemark.js, before anything uses the pool.
process.env['UV_THREADPOOL_SIZE'] ??= '36';

const megabytes = Number(process.argv[2] ?? 1_000);
const files = Number(process.argv[3] ?? 64);
if (![megabytes, files].every((number) => Number.isSafeInteger(number) && number > 0)) {
  process.stderr.write('usage: npm run bench:oss-hdfs -- [MEGABYTES] [FILES]\n');
  process.exit(2);
}
const { library } = await fetchJindosdk(logToStderr);
const folder = await mkdtemp(path.join(tmpdir(), 'tidemark-bench-'));
const main = path.join(checkoutDir, 'servers', 'oss', 'main.ts');
const server = spawn(process.execPath, [main, '--dir', path.join(folder, 'server')], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  const [line] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
  const [host = '', port] = (JSON.parse(line) as { address: string }).address.split(':');
  const { benchOssHdfs } = await import('./ossHdfs.ts');
  const { Secret } = await import('../kernels/schema/secret.ts');
  const { JINDO_MEMORY_MIB_MAX } = await import('../src/stores/ossHdfs/settings.ts');
  const { silentLog } = await import('../src/telemetry/log.ts');
  const figures = await benchOssHdfs({
    store: {
      ...{ ossBucket: 'lake', region: 'cn-test', library, callsMax: 32, log: silentLog },
      address: { host, port: Number(port), https: false, pathStyle: true },
      credentials: {
        accessKeyId: new Secret('test-id'),
        accessKeySecret: new Secret('test-secret'),
        securityToken: null,
      },
      logFolder: path.join(folder, 'jindosdk'),
    },
    ...{ sinkUri: 'oss://lake/bench', totalBytes: megabytes * 1e6, files },
  });
  const { seconds, bytes, loopDelayP99Ms, loopDelayMaxMs, peakMemoryMiB } = figures;
  process.stdout.write(
    `${(bytes / 1e6).toFixed(0)} MB in ${files} files: ${seconds.toFixed(2)} s, ` +
      `${(bytes / 1e6 / seconds).toFixed(1)} MB/s, ` +
      `event-loop delay p99 ${loopDelayP99Ms.toFixed(1)} ms, max ${loopDelayMaxMs.toFixed(1)} ms, ` +
      `peak memory ${peakMemoryMiB} MiB (JindoSDK may take ${JINDO_MEMORY_MIB_MAX})\n`,
  );
} finally {
  server.kill();
  await rm(folder, { recursive: true, force: true });
}
