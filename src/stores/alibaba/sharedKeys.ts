/** The keys below `sink` that every `oss://` path has. */
import { z } from 'zod';
import type { SchemaContext } from '../../../kernels/schema/outside.ts';
import { expecting, matchingText, text } from '../../../kernels/schema/values.ts';
import { credentialsSchema } from './credentials.ts';
import { parseOssAddress, REGION_PATTERN } from './path.ts';

export function sharedOssKeys(context: SchemaContext) {
  return {
    kind: z
      .enum(['oss-hdfs', 'oss'], { error: expecting('oss-hdfs or oss') })
      .optional()
      .meta({ description: 'What an oss:// path leads to, where no endpoint says it: oss-hdfs or oss.' }),
    endpoint: endpoint().optional().meta({
      description: 'Address of the server of an oss:// path: host, host:port, or an http(s) URL.',
    }),
    region: matchingText('a region, like cn-hangzhou', REGION_PATTERN)
      .optional()
      .meta({ description: 'Region of an oss:// path, where no endpoint says it.' }),
    credentials: credentialsSchema(context).optional(),
  };
}

function endpoint() {
  return text('host, host:port, or an http(s) URL of them, like https://10.0.0.5:8443', (value) => {
    const parsed = parseOssAddress(value);
    return parsed.type === 'parsed' ? null : parsed.reason;
  });
}
