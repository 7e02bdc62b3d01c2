/**
 * What decides the bucket of a record, and whether it is written, in a journaled configuration. Where that is
 * the same as before, records that are read again belong where they were.
 */
import { hash } from 'node:crypto';
import type { JsonValue } from '../../journal/events.ts';
import { isMap } from '../../kernels/schema/parts.ts';

/** The bucket rule in a journaled configuration; null if there is none. */
export function bucketIn(config: JsonValue): JsonValue {
  return memberOf(config, 'bucket');
}

/**
 * What decides which line a record is in its file, and which records are bad. `text` for plain text, as in
 * versions that had nothing else, and kept line feeds; how it is compressed decides neither.
 */
export function contentIn(config: JsonValue): JsonValue {
  const sink = memberOf(config, 'sink');
  const format = memberOf(sink, 'format') ?? 'text';
  const { lineFeeds = 'keep', ...value } = asMap(memberOf(config, 'value'));
  const bad = memberOf(config, 'bad');
  if (format === 'text') {
    const tombstones = value['tombstones'] ?? 'skip';
    const isAsEver = tombstones === 'skip' && lineFeeds === 'keep';
    return isAsEver ? 'text' : { format, tombstones, lineFeeds, bad: memberOf(bad, 'to') };
  }
  return { format, envelope: memberOf(sink, 'envelope'), value, key: memberOf(config, 'key'), bad };
}

/** Null if there is none. */
function memberOf(value: JsonValue, key: string): JsonValue {
  return asMap(value)[key] ?? null;
}

/** Empty if it is none. */
function asMap(value: JsonValue): Readonly<Record<string, JsonValue>> {
  return isMap(value) ? value : {};
}

/** A short text that is the same for configurations that place every record alike. */
export function placingOf(config: JsonValue): string {
  return hash('sha256', sortedJson([bucketIn(config), contentIn(config)]), 'hex').slice(0, 16);
}

/** Equal values have equal texts. */
function sortedJson(value: JsonValue): string {
  return JSON.stringify(value, (_key, inner: JsonValue) =>
    isMap(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}
