/** The keys below `sink`. */
import { z } from 'zod';
import {
  existingFile,
  expecting,
  matchingText,
  nameAffix,
  secret,
  text,
  type SchemaContext,
} from './leaves.ts';
import { parseOssAddress, REGION_PATTERN } from './ossPath.ts';
import { map, rules } from './schemaParts.ts';
import { sinkProblems } from './sink.ts';
import { sinkPathProblem } from './sinkPath.ts';

const ENTROPY_LENGTH_MAX = 64;

export function sinkSchema(context: SchemaContext) {
  const keys = map({
    path: text('a folder: file:///var/lake/clicks, a path, or oss://bucket.<endpoint>/folder', (value) =>
      sinkPathProblem(value, context.baseDir),
    ).meta({
      description:
        'Folder for the part files: file:///absolute/folder, a path, or oss://bucket.<endpoint>/folder.',
    }),
    format: z
      .enum(['text'], { error: expecting('text') })
      .default('text')
      .meta({ description: "text: a record's value, untouched, and a line feed." }),
    prefix: nameAffix('prefix')
      .default('part')
      .meta({ description: 'Begin of the names of part files; not "." or "_".' }),
    suffix: nameAffix('suffix')
      .default('')
      .meta({ description: 'End of the names of part files, like .ndjson.' }),
    entropy: entropySchema().optional(),
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
    jindosdk: map({
      library: existingFile(context, "JindoSDK's shared library")
        .optional()
        .meta({ description: "JindoSDK's shared library; without it the usual places are looked through." }),
    })
      .optional()
      .meta({ description: 'JindoSDK, through which OSS-HDFS is reached.' }),
  });
  return rules(keys, (value) => sinkProblems(value, context)).meta({ description: 'Where part files go.' });
}

export type ParsedSink = z.output<ReturnType<typeof sinkSchema>>;

function endpoint() {
  return text('host, host:port, or an http(s) URL of them, like https://10.0.0.5:8443', (value) => {
    const parsed = parseOssAddress(value);
    return parsed.type === 'parsed' ? null : parsed.reason;
  });
}

function entropySchema() {
  const length = `a whole number from 1 to ${ENTROPY_LENGTH_MAX}`;
  return map({
    key: text('a text that stands in sink.path, like _entropy_', (value) => {
      if (value.includes('/')) return `${JSON.stringify(value)} holds a "/"`;
      return /\p{Cc}/u.test(value) || !value.isWellFormed() ? 'holds a control character' : null;
    }).meta({ description: 'Text that is replaced wherever it stands in the folder of a part file.' }),
    length: z
      .int({ error: expecting(length) })
      .min(1, { error: `is less than 1; expected ${length}` })
      .max(ENTROPY_LENGTH_MAX, { error: `is more than ${ENTROPY_LENGTH_MAX}; expected ${length}` })
      .meta({ description: 'How many random letters and digits take its place.' }),
  }).meta({ description: 'Random letters and digits in the folder of every part file.' });
}

function credentialsSchema(context: SchemaContext) {
  const how = 'as it stands or as { env: VARIABLE }';
  return map({
    accessKeyId: secret(context).meta({ description: `AccessKey ID, ${how}.` }),
    accessKeySecret: secret(context).meta({ description: `AccessKey secret, ${how}.` }),
    securityToken: secret(context)
      .optional()
      .meta({ description: `Token of temporary (STS) credentials, ${how}.` }),
  }).meta({
    description:
      'Access to OSS; without this key ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET and ALIBABA_CLOUD_SECURITY_TOKEN of the environment.',
  });
}
