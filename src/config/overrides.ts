/** `-D key=value`: changes of the job file's data from the command line. */
import { parseYamlValue } from './document.ts';
import type { KeyPath } from './problems.ts';

export interface Override {
  /** The dotted key as written. */
  readonly key: string;
  readonly path: KeyPath;
  /** Null removes the key. */
  readonly value: unknown;
}

export type OverrideResult =
  | { readonly type: 'parsed'; readonly override: Override }
  /** `key` is the part that can be shown without revealing a value. */
  | { readonly type: 'invalid'; readonly key: string; readonly reason: string };

/** Names that users of Flink write. */
const ALIASES: ReadonlyMap<string, KeyPath> = new Map([
  ['oss.entropy.key', ['sink', 'entropy', 'key']],
  ['oss.entropy.length', ['sink', 'entropy', 'length']],
]);

/** `sink.path=out`, `source.kafka.topics=[a, b]`, `sink.suffix=` (removes the key). */
export function parseOverride(text: string): OverrideResult {
  const at = text.indexOf('=');
  const key = at === -1 ? text : text.slice(0, at);
  if (at === -1) return { type: 'invalid', key, reason: 'has no "="; expected key=value' };
  const steps = key.split('.');
  if (steps.includes(''))
    return {
      type: 'invalid',
      key,
      reason: 'has an empty key; expected keys joined by dots, like roll.maxBytes',
    };
  const parsed = parseYamlValue(text.slice(at + 1));
  if ('reason' in parsed)
    return { type: 'invalid', key, reason: `${parsed.reason}; expected a YAML value, like 10s or [a, b]` };
  const path = ALIASES.get(key) ?? steps.map((step) => (/^\d+$/.test(step) ? Number(step) : step));
  return { type: 'parsed', override: { key, path, value: parsed.value } };
}

type Data = Record<string | number, unknown>;

/** Changes `data` in place. Returns a reason if the key cannot exist there. */
export function applyOverride(data: unknown, { path, value }: Override): string | null {
  let at = data;
  for (const [depth, step] of path.entries()) {
    const wrong = containerProblem(at, step, path.slice(0, depth));
    if (wrong !== null) return wrong;
    const container = at as Data;
    if (depth === path.length - 1) return setOrRemove(container, step, value);
    if (!Object.hasOwn(container, step) || container[step] === null) {
      if (value === null) return null;
      define(container, step, {});
    }
    at = container[step];
  }
  return null;
}

function containerProblem(container: unknown, step: string | number, above: KeyPath): string | null {
  const where = above.length === 0 ? 'the job file' : above.join('.');
  if (typeof container !== 'object' || container === null)
    return `${where} is no map; expected a key below a map`;
  if (!Array.isArray(container)) return null;
  const isInside = typeof step === 'number' && step <= container.length;
  return isInside
    ? null
    : `${where} is a list of ${container.length}; expected a position from 0 to ${container.length}`;
}

function setOrRemove(container: Data, step: string | number, value: unknown): null {
  if (value !== null) define(container, step, value);
  else if (Array.isArray(container)) container.splice(Number(step), 1);
  else Reflect.deleteProperty(container, step);
  return null;
}

/** Treats a key named like a member of every object (`__proto__`) as an ordinary key. */
function define(container: Data, step: string | number, value: unknown): void {
  Object.defineProperty(container, step, { value, writable: true, enumerable: true, configurable: true });
}
