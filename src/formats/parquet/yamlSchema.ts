/**
 * The short form of a schema, for job files: `{ id: long, 'who?': { name: string, age: 'int?' }, tags:
 * [string] }`. docs/parquet.md describes it.
 */
import {
  checkedSchema,
  schemaError,
  type Field,
  type LeafType,
  type ParquetSchema,
  type Slot,
  type ValueType,
} from './schema.ts';

const PLAIN = [
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'string',
  'json',
  'bytes',
  'uuid',
  'date',
] as const;

/** Types that are one word. */
const WORDS: ReadonlyMap<string, LeafType> = new Map<string, LeafType>([
  ...PLAIN.map((type): [string, LeafType] => [type, { type }]),
  ...(['millis', 'micros'] as const).map((unit): [string, LeafType] => [
    `time-${unit}`,
    { type: 'time', unit },
  ]),
  ...(['millis', 'micros', 'nanos'] as const).flatMap((unit): [string, LeafType][] => [
    [`timestamp-${unit}`, { type: 'timestamp', unit, isUtc: true }],
    [`local-timestamp-${unit}`, { type: 'timestamp', unit, isUtc: false }],
  ]),
]);

const EXPECTED =
  `expected ${[...WORDS.keys()].join(', ')}, decimal(p,s), fixed(n), enum(A,B), ` +
  `list<T> or map<string,T>`;
/** Far deeper than a schema may be; it bounds the recursion here. */
const DEPTH_MAX = 200;

/** Throws CONFIG_INVALID, and says where. */
export function parseYamlSchema(value: unknown): ParquetSchema {
  return checkedSchema({ name: 'record', fields: fieldsOf(value, '', 0) });
}

function fieldsOf(value: unknown, at: string, depth: number): Field[] {
  if (!isObject(value)) throw schemaError(at, 'must be fields with their types, such as { id: long }');
  if (depth > DEPTH_MAX) throw schemaError(at, 'is nested too deeply');
  return Object.entries(value).map(([key, inner]) => {
    const isOptional = key.endsWith('?');
    const name = isOptional ? key.slice(0, -1) : key;
    const slot = slotOf(inner, at === '' ? name : `${at}.${name}`, depth);
    return { name, type: slot.type, optional: isOptional || slot.optional };
  });
}

function slotOf(value: unknown, at: string, depth: number): Slot {
  if (typeof value === 'string') return slotOfText(value.replaceAll(/\s+/g, ''), at, depth);
  if (Array.isArray(value)) {
    if (value.length !== 1) throw schemaError(at, 'must name the one type of its elements, such as [string]');
    if (depth > DEPTH_MAX) throw schemaError(at, 'is nested too deeply');
    const element = slotOf(value[0], `${at}[]`, depth + 1);
    return { type: { type: 'list', element }, optional: false };
  }
  if (isObject(value))
    return { type: { type: 'record', fields: fieldsOf(value, at, depth + 1) }, optional: false };
  throw schemaError(at, `is no type; ${EXPECTED}`);
}

function slotOfText(text: string, at: string, depth: number): Slot {
  const optional = text.endsWith('?');
  return { type: typeOfText(optional ? text.slice(0, -1) : text, at, depth), optional };
}

function typeOfText(text: string, at: string, depth: number): ValueType {
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  if (depth > DEPTH_MAX) throw schemaError(at, 'is nested too deeply');
  const [, list] = /^list<(.+)>$/.exec(text) ?? [];
  if (list !== undefined) return { type: 'list', element: slotOfText(list, `${at}[]`, depth + 1) };
  const [, map] = /^map<string,(.+)>$/.exec(text) ?? [];
  if (map !== undefined) return { type: 'map', value: slotOfText(map, `${at}{}`, depth + 1) };
  const [, precision, scale] = /^decimal\((\d{1,3})(?:,(\d{1,3}))?\)$/.exec(text) ?? [];
  if (precision !== undefined) {
    return { type: 'decimal', precision: Number(precision), scale: Number(scale ?? '0') };
  }
  const [, length] = /^fixed\((\d{1,7})\)$/.exec(text) ?? [];
  if (length !== undefined) return { type: 'fixed', lengthBytes: Number(length) };
  const [, symbols] = /^enum\(([^()]+)\)$/.exec(text) ?? [];
  if (symbols !== undefined) return { type: 'enum', symbols: symbols.split(',') };
  throw schemaError(at, `has the unknown type "${text.slice(0, 100)}"; ${EXPECTED}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
