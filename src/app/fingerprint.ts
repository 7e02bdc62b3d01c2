import { createHash } from 'node:crypto';
import type { JobConfig, SinkConfig } from '../config/jobConfig.ts';
import { bucketRuleOf, kindOf, type JobKinds } from './registeredKinds.ts';

/**
 * SHA-256 (64 hex digits) of everything that decides which records go where: with the same fingerprint, the
 * same input gives the same files. Addresses (brokers, servers, TLS, users) and secrets are not part of it.
 */
export function configFingerprint(config: JobConfig, kinds: JobKinds): string {
  const { job, source, sink, bucket, roll, checkpoint } = config;
  const meaning = {
    job,
    source: kindOf(kinds.sources, source).meaning(source),
    sink: meaningOfSink(sink),
    bucket: bucketRuleOf(kinds, bucket).meaning(bucket),
    roll,
    checkpoint,
    ...meaningOfContent(config),
  };
  return createHash('sha256').update(canonicalJson(meaning)).digest('hex');
}

function meaningOfSink({ type, uri, format, prefix, suffix, entropy }: SinkConfig) {
  return { type, uri, format, prefix, suffix, ...(entropy === null ? {} : { entropy }) };
}

/** Nothing for plain text, as in versions that had nothing else: their fingerprints stay. */
function meaningOfContent({ sink, key, value, bad }: JobConfig) {
  const { format, envelope, compression, formatSettings } = sink;
  const isPlain = format === 'text' && compression === null && bad.to === 'stop';
  const isUsual = isPlain && value.tombstones === 'skip' && value.lineFeeds === 'bad';
  // Line feeds mean nothing in other formats; their fingerprints stay, too.
  const { lineFeeds: _, ...others } = value;
  const meant = format === 'text' ? value : others;
  return isUsual
    ? {}
    : {
        content: {
          ...{ envelope, compression, key, value: meant, bad },
          ...(formatSettings === undefined ? {} : { formatSettings }),
        },
      };
}

/** JSON with the keys of every object sorted, so that equal values have equal texts. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
