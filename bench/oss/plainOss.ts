/** Plain OSS on the loopback server as a destination, of Tidemark's and of Flink's. */
import OSS from 'ali-oss';
import type { FlinkDestination } from '../flink/flinkJob.ts';
import type { Destination, FlinkDestinations } from '../harness/contestants.ts';
import { isHidden, LineDigest, type FolderDigest } from '../harness/lineDigest.ts';
import { BUCKET, CREDENTIALS, REGION, type OssServer } from './ossServer.ts';

const KEYS_PER_PAGE = 1_000;

export function intoPlainOss(server: OssServer): Destination {
  return {
    sinkOf: (name) => ({
      ...{ kind: 'oss', path: `oss://${BUCKET}/${name}` },
      ...{ endpoint: server.endpoint, region: REGION, credentials: CREDENTIALS },
    }),
    digestOf: (name) => digestOf(server, name),
  };
}

export function flinkIntoPlainOss(server: OssServer): FlinkDestinations {
  return {
    of: (name) => flinkDestination(server.address, name),
    digestOf: (name) => digestOf(server, name),
  };
}

/** Of an address, the SDK in Flink's file system does not make the bucket a part of the host's name. */
export function flinkDestination(address: string, name: string): FlinkDestination {
  return {
    uri: `oss://${BUCKET}/${name}`,
    config: {
      'fs.oss.endpoint': `http://${address}`,
      'fs.oss.accessKeyId': CREDENTIALS.accessKeyId,
      'fs.oss.accessKeySecret': CREDENTIALS.accessKeySecret,
    },
  };
}

/** Of all objects below that name but the hidden ones, as they are streamed: no copy is kept. */
async function digestOf(server: OssServer, name: string): Promise<FolderDigest> {
  server.runIsOver();
  const oss = clientOf(server.address);
  const digest = new LineDigest();
  const keys = (await keysBelow(oss, `${name}/`)).filter((key) => !isHidden(key.slice(name.length + 1)));
  for (const key of keys) {
    const { stream } = (await oss.getStream(key)) as { stream: AsyncIterable<Uint8Array> };
    for await (const chunk of stream) digest.add(chunk);
    digest.endFile(key);
  }
  return { digest: String(digest), records: digest.lines, bytes: digest.bytes, files: keys.length };
}

/** Alibaba's own client: nothing of ours reads what we have written. */
function clientOf(address: string): OSS {
  // By name: where the endpoint is an address, its signatures do not match.
  const endpoint = `http://localhost:${address.split(':')[1] ?? ''}`;
  const options = { ...CREDENTIALS, endpoint, bucket: BUCKET, sldEnable: true };
  return new OSS(options);
}

async function keysBelow(oss: OSS, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  let marker: string | undefined;
  do {
    const query = { prefix, 'max-keys': KEYS_PER_PAGE, ...(marker === undefined ? {} : { marker }) };
    const page = await oss.list(query, {});
    keys.push(...((page.objects as { name: string }[] | undefined) ?? []).map(({ name }) => name));
    marker = page.isTruncated ? page.nextMarker : undefined;
  } while (marker !== undefined);
  return keys;
}
