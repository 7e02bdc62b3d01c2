/**
 * The server in its own process: prints its address as one line of JSON and runs until it is killed.
 *
 *     npx node servers/oss/main.ts --dir out/oss --bucket lake
 */
import { parseArgs } from 'node:util';
import { OssServer, TEST_CREDENTIAL } from './server.ts';

const { values } = parseArgs({
  options: {
    dir: { type: 'string' },
    port: { type: 'string', default: '0' },
    bucket: { type: 'string', multiple: true, default: ['lake'] },
    region: { type: 'string', default: 'cn-test' },
    'access-key-id': { type: 'string', default: TEST_CREDENTIAL.accessKeyId },
    'access-key-secret': { type: 'string', default: TEST_CREDENTIAL.accessKeySecret },
    'security-token': { type: 'string' },
    sync: { type: 'boolean', default: false },
    etag: { type: 'string', default: 'md5' },
    'lease-soft-limit-ms': { type: 'string', default: '60000' },
    'lease-hard-limit-ms': { type: 'string', default: '3600000' },
    'recovered-length': { type: 'string', default: 'flushed' },
    'rename-onto-file': { type: 'string', default: 'replaces' },
  },
});
if (values.dir === undefined) throw new Error('--dir is missing: the folder that everything is kept in');

const securityToken = values['security-token'];
const server = await OssServer.start({
  dir: values.dir,
  port: Number(values.port),
  buckets: values.bucket,
  region: values.region,
  credentials: [
    {
      accessKeyId: values['access-key-id'],
      accessKeySecret: values['access-key-secret'],
      ...(securityToken === undefined ? {} : { securityToken }),
    },
  ],
  sync: values.sync,
  etag: oneOf(['md5', 'crc64'], values.etag),
  leaseSoftLimitMs: Number(values['lease-soft-limit-ms']),
  leaseHardLimitMs: Number(values['lease-hard-limit-ms']),
  guesses: {
    recoveredLength: oneOf(['flushed', 'uploaded'], values['recovered-length']),
    renameOntoFile: oneOf(['replaces', 'refuses'], values['rename-onto-file']),
  },
});
process.stdout.write(`${JSON.stringify({ address: server.address, pid: process.pid })}\n`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void server.stop());
}

function oneOf<Word extends string>(words: readonly Word[], given: string): Word {
  const word = words.find((one) => one === given);
  if (word === undefined) throw new Error(`${given} is none of: ${words.join(', ')}`);
  return word;
}
