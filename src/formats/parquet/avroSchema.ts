/** A schema from an Avro one (.avsc). Defaults and aliases are left out: they are for readers of Avro. */
import {
  checkedSchema,
  schemaError,
  type Field,
  type LeafType,
  type ParquetSchema,
  type Slot,
  type ValueType,
} from './schema.ts';

const PRIMITIVES = ['boolean', 'int', 'long', 'float', 'double', 'string', 'bytes'] as const;
/** Far deeper than a schema may be; it bounds the recursion here. */
const DEPTH_MAX = 400;

type Json = Readonly<Record<string, unknown>>;

/** What a type is looked at with. */
interface Place {
  /** For messages: `who.tags[]`. */
  readonly at: string;
  readonly namespace: string;
  readonly depth: number;
  /** Named types by their full names; null while one is being read: a use of it inside is a recursion. */
  readonly named: Map<string, ValueType | null>;
}

/** @param json the parsed .avsc, a record. Throws CONFIG_INVALID, and says where. */
export function parseAvroSchema(json: unknown): ParquetSchema {
  const type = typeOf(json, { at: '', namespace: '', depth: 0, named: new Map() });
  if (type.type !== 'record') throw schemaError('', `is of type ${type.type}; expected a record`);
  const name = isObject(json) && typeof json['name'] === 'string' ? json['name'] : 'record';
  return checkedSchema({ name, fields: type.fields });
}

function typeOf(json: unknown, place: Place): ValueType {
  if (place.depth > DEPTH_MAX) throw schemaError(place.at, 'is nested too deeply');
  if (typeof json === 'string') return typeByName(json, place);
  if (Array.isArray(json))
    throw schemaError(place.at, 'is a union; only one of null and one type is possible');
  if (!isObject(json)) throw schemaError(place.at, 'is no type');
  const { type } = json;
  if (typeof type !== 'string') return typeOf(type, { ...place, depth: place.depth + 1 });
  const logical = logicalOf(json, type);
  switch (type) {
    case 'record':
      return namedType(json, place, (inner) => ({ type: 'record', fields: fieldsOf(json, inner) }));
    case 'enum':
      return namedType(json, place, () => ({ type: 'enum', symbols: symbolsOf(json, place) }));
    case 'fixed':
      return namedType(json, place, () => logical ?? { type: 'fixed', lengthBytes: Number(json['size']) });
    case 'array':
      return { type: 'list', element: slotOf(json['items'], within(place, '[]')) };
    case 'map':
      return { type: 'map', value: slotOf(json['values'], within(place, '{}')) };
    default:
      return logical ?? typeByName(type, place);
  }
}

/** The logical type; undefined if there is none, or one that Parquet has not: then the plain type counts. */
function logicalOf(json: Json, type: string): LeafType | undefined {
  const logical = json['logicalType'];
  if (logical === 'decimal' && (type === 'bytes' || type === 'fixed')) {
    return { type: 'decimal', precision: Number(json['precision']), scale: Number(json['scale'] ?? 0) };
  }
  if (logical === 'uuid' && (type === 'string' || type === 'fixed')) return { type: 'uuid' };
  if (type === 'int' && logical === 'date') return { type: 'date' };
  if (type === 'int' && logical === 'time-millis') return { type: 'time', unit: 'millis' };
  if (type !== 'long' || typeof logical !== 'string') return undefined;
  if (logical === 'time-micros') return { type: 'time', unit: 'micros' };
  const [, local, unit] = /^(local-)?timestamp-(millis|micros|nanos)$/.exec(logical) ?? [];
  if (unit !== 'millis' && unit !== 'micros' && unit !== 'nanos') return undefined;
  return { type: 'timestamp', unit, isUtc: local === undefined };
}

function typeByName(name: string, { at, namespace, named }: Place): ValueType {
  const primitive = PRIMITIVES.find((one) => one === name);
  if (primitive !== undefined) return { type: primitive };
  if (name === 'null') throw schemaError(at, 'is of type null; such a field holds nothing');
  const full = fullName(name, namespace);
  const known = named.get(full) ?? named.get(name);
  if (known !== undefined && known !== null) return known;
  if (named.has(full) || named.has(name)) {
    throw schemaError(at, `contains itself through "${name}"; Parquet has no recursive types`);
  }
  throw schemaError(at, `has the unknown type "${name.slice(0, 100)}"`);
}

/** Reads a record, enum or fixed, and keeps it under its full name. */
function namedType(json: Json, place: Place, read: (inner: Place) => ValueType): ValueType {
  const { name, namespace } = json;
  if (typeof name !== 'string') throw schemaError(place.at, `is a ${String(json['type'])} without a name`);
  const full = fullName(name, typeof namespace === 'string' ? namespace : place.namespace);
  if (place.named.has(full)) throw schemaError(place.at, `defines "${full}" a second time`);
  place.named.set(full, null);
  const dot = full.lastIndexOf('.');
  const type = read({ ...place, namespace: dot < 0 ? '' : full.slice(0, dot) });
  place.named.set(full, type);
  return type;
}

function fieldsOf(json: Json, place: Place): Field[] {
  const { fields } = json;
  if (!Array.isArray(fields)) throw schemaError(place.at, 'is a record without fields');
  return fields.map((field: unknown): Field => {
    if (!isObject(field) || typeof field['name'] !== 'string') {
      throw schemaError(place.at, 'has a field without a name');
    }
    const { name } = field;
    const at = place.at === '' ? name : `${place.at}.${name}`;
    // Some writers put a logical type beside the field's plain type, instead of into it.
    const isFlat = typeof field['type'] === 'string' && 'logicalType' in field;
    return { name, ...slotOf(isFlat ? field : field['type'], { ...place, at, depth: place.depth + 1 }) };
  });
}

function slotOf(json: unknown, place: Place): Slot {
  if (!Array.isArray(json)) return { type: typeOf(json, place), optional: false };
  const others: unknown[] = json.filter((one: unknown) => one !== 'null');
  if (others.length !== 1) {
    throw schemaError(place.at, `is a union of ${others.length} types besides null; one is possible`);
  }
  return { type: typeOf(others[0], place), optional: others.length < json.length };
}

function symbolsOf(json: Json, { at }: Place): readonly string[] {
  const { symbols } = json;
  if (!Array.isArray(symbols) || !symbols.every((one) => typeof one === 'string')) {
    throw schemaError(at, 'is an enum without symbols');
  }
  return symbols;
}

const within = (place: Place, step: string): Place => ({
  ...place,
  at: place.at + step,
  depth: place.depth + 1,
});

const fullName = (name: string, namespace: string): string =>
  name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
