/** The schema as the metadata of a Parquet file describes it, with logical types and those of before them. */
import { fixedLengthOf, PHYSICAL, physicalOf } from './columnShape.ts';
import type { Field, LeafType, ParquetSchema, Slot, TimeUnit } from './schema.ts';
import { ThriftWriter } from './thrift.ts';

const REPETITION = { required: 0, optional: 1, repeated: 2 } as const;
type Repetition = (typeof REPETITION)[keyof typeof REPETITION];

/** Converted types: what readers know that are older than logical types. */
const CONVERTED = {
  ...{
    utf8: 0,
    map: 1,
    list: 3,
    enum: 4,
    decimal: 5,
    date: 6,
    timestampMillis: 9,
    timestampMicros: 10,
    json: 19,
  },
} as const;

/** Ids of the union LogicalType. */
const LOGICAL = {
  ...{ string: 1, map: 2, list: 3, enum: 4, decimal: 5, date: 6, time: 7, timestamp: 8, json: 12, uuid: 14 },
} as const;

interface Group {
  readonly name: string;
  readonly repetition: Repetition | undefined;
  readonly children: number;
  readonly kind?: 'list' | 'map';
}

/** Each element as a Thrift struct, depth first. */
export function schemaElements(schema: ParquetSchema): Buffer[] {
  return [
    groupElement({ name: schema.name, repetition: undefined, children: schema.fields.length }),
    ...schema.fields.flatMap(fieldElements),
  ];
}

const fieldElements = (field: Field): Buffer[] => slotElements(field.name, field);

function slotElements(name: string, { type, optional }: Slot): Buffer[] {
  const repetition = optional ? REPETITION.optional : REPETITION.required;
  switch (type.type) {
    case 'record':
      return [
        groupElement({ name, repetition, children: type.fields.length }),
        ...type.fields.flatMap(fieldElements),
      ];
    case 'list':
      return [
        groupElement({ name, repetition, children: 1, kind: 'list' }),
        groupElement({ name: 'list', repetition: REPETITION.repeated, children: 1 }),
        ...slotElements('element', type.element),
      ];
    case 'map':
      return [
        groupElement({ name, repetition, children: 1, kind: 'map' }),
        groupElement({ name: 'key_value', repetition: REPETITION.repeated, children: 2 }),
        ...slotElements('key', { type: { type: 'string' }, optional: false }),
        ...slotElements('value', type.value),
      ];
    default:
      return [leafElement(name, repetition, type)];
  }
}

function groupElement({ name, repetition, children, kind }: Group): Buffer {
  const writer = new ThriftWriter();
  writer.i32(3, repetition).binary(4, name).i32(5, children);
  if (kind !== undefined) {
    writer.i32(6, CONVERTED[kind]).struct(10, (logical) => logical.struct(LOGICAL[kind], nothing));
  }
  return writer.end();
}

function leafElement(name: string, repetition: Repetition, type: LeafType): Buffer {
  const physical = physicalOf(type);
  const writer = new ThriftWriter()
    .i32(1, physical)
    .i32(2, physical === PHYSICAL.fixed ? fixedLengthOf(type) : undefined)
    .i32(3, repetition)
    .binary(4, name)
    .i32(6, convertedOf(type));
  if (type.type === 'decimal') writer.i32(7, type.scale).i32(8, type.precision);
  const logical = logicalOf(type);
  if (logical !== null) writer.struct(10, logical);
  return writer.end();
}

/** Only moments have converted types that say what they are: local ones would be taken for moments. */
function convertedOf(type: LeafType): number | undefined {
  switch (type.type) {
    case 'string':
      return CONVERTED.utf8;
    case 'enum':
    case 'decimal':
    case 'date':
    case 'json':
      return CONVERTED[type.type];
    case 'timestamp':
      if (!type.isUtc || type.unit === 'nanos') return undefined;
      return type.unit === 'millis' ? CONVERTED.timestampMillis : CONVERTED.timestampMicros;
    default:
      return undefined;
  }
}

type WriteUnion = (union: ThriftWriter) => void;

function logicalOf(type: LeafType): WriteUnion | null {
  switch (type.type) {
    case 'string':
    case 'enum':
    case 'date':
    case 'json':
    case 'uuid':
      return (union) => union.struct(LOGICAL[type.type], nothing);
    case 'decimal':
      return (union) =>
        union.struct(LOGICAL.decimal, (decimal) => decimal.i32(1, type.scale).i32(2, type.precision));
    case 'time':
      return (union) => union.struct(LOGICAL.time, timeType(false, type.unit));
    case 'timestamp':
      return (union) => union.struct(LOGICAL.timestamp, timeType(type.isUtc, type.unit));
    default:
      return null;
  }
}

const UNIT_ID: Readonly<Record<TimeUnit, number>> = { millis: 1, micros: 2, nanos: 3 };

const timeType =
  (isUtc: boolean, unit: TimeUnit): WriteUnion =>
  (writer) =>
    writer.bool(1, isUtc).struct(2, (union) => union.struct(UNIT_ID[unit], nothing));

const nothing = (): void => undefined;
