/** Schemas and records of every shape, each record as JSON text and as what a reader must show. */
import fc from 'fast-check';
import type {
  Field,
  LeafType,
  ParquetSchema,
  Slot,
  ValueType,
} from '../../../../src/formats/parquet/schema.ts';

/** A value: its JSON text, and what `readRows` gives for it. */
export interface Sample {
  readonly text: string;
  readonly shown: unknown;
}

const names = fc.constantFrom(
  'id',
  'a',
  'b',
  'na me',
  'größe',
  '__proto__x',
  'constructor',
  'x"y',
  'k\\',
  'list',
  'e',
);

const leafTypes: fc.Arbitrary<LeafType> = fc.oneof(
  fc.constantFrom<LeafType>(
    ...(
      ['boolean', 'int', 'long', 'float', 'double', 'string', 'json', 'bytes', 'uuid', 'date'] as const
    ).map((type): LeafType => ({ type })),
    ...(['millis', 'micros'] as const).map((unit): LeafType => ({ type: 'time', unit })),
    ...(['millis', 'micros', 'nanos'] as const).map((unit): LeafType => ({
      type: 'timestamp',
      unit,
      isUtc: true,
    })),
    { type: 'timestamp', unit: 'micros', isUtc: false },
    ...[2, 9, 18, 38].map((precision): LeafType => ({ type: 'decimal', precision, scale: precision >> 1 })),
    { type: 'fixed', lengthBytes: 5 },
    { type: 'enum', symbols: ['A', 'Bé', ''] },
  ),
);

const { slot } = fc.letrec<{ slot: Slot; type: ValueType; fields: Field[] }>((tie) => ({
  slot: fc.record({ type: tie('type'), optional: fc.boolean() }),
  type: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leafTypes,
    fc.record({ type: fc.constant('list' as const), element: tie('slot') }),
    fc.record({ type: fc.constant('map' as const), value: tie('slot') }),
    fc.record({ type: fc.constant('record' as const), fields: tie('fields') }),
  ),
  fields: fc.uniqueArray(
    fc.tuple(names, tie('slot')).map(([name, inner]): Field => ({ name, ...inner })),
    { selector: ({ name }) => name, minLength: 1, maxLength: 5 },
  ),
}));

export const schemas: fc.Arbitrary<ParquetSchema> = fc
  .uniqueArray(
    fc.tuple(names, slot).map(([name, inner]): Field => ({ name, ...inner })),
    { selector: ({ name }) => name, minLength: 1, maxLength: 6 },
  )
  .map((fields) => ({ name: 'record', fields }));

/** Flat records of plain types: what the fast path is for. */
export const flatSchemas: fc.Arbitrary<ParquetSchema> = fc
  .uniqueArray(
    fc
      .tuple(
        names,
        fc.constantFrom(
          'boolean' as const,
          'int' as const,
          'long' as const,
          'double' as const,
          'string' as const,
        ),
        fc.boolean(),
      )
      .map(([name, type, optional]): Field => ({ name, type: { type }, optional })),
    { selector: ({ name }) => name, minLength: 1, maxLength: 8 },
  )
  .map((fields) => ({ name: 'record', fields }));

export const records = (schema: ParquetSchema): fc.Arbitrary<Sample> => recordOf(schema.fields);

function slotOf({ type, optional }: Slot): fc.Arbitrary<Sample> {
  const value = valueOf(type);
  return optional
    ? fc.oneof({ weight: 3, arbitrary: value }, fc.constant({ text: 'null', shown: null }))
    : value;
}

const spaces = fc.constantFrom('', '', '', ' ', '\t\n');

function recordOf(fields: readonly Field[]): fc.Arbitrary<Sample> {
  const members = fields.map((field) => {
    const value = slotOf(field).map((sample) => ({ field, sample: sample }));
    return field.optional ? fc.oneof(value, fc.constant({ field, sample: null })) : value;
  });
  return fc
    .tuple(fc.tuple(...members), fc.array(fc.nat(1000), { maxLength: fields.length }), spaces, fc.boolean())
    .map(([values, order, space, hasMore]) => {
      const keyed = values.flatMap(({ field, sample }) =>
        sample === null ? [] : [`${JSON.stringify(field.name)}${space}:${space}${sample.text}`],
      );
      for (const [index, swap] of order.entries()) {
        const other = swap % Math.max(1, keyed.length);
        if (index < keyed.length) [keyed[index], keyed[other]] = [keyed[other]!, keyed[index]!];
      }
      if (hasMore) keyed.push('"unknown":{"deep":[1,"\\u0000",{}]}');
      const shown = Object.fromEntries(
        values.map(({ field, sample }) => [field.name, sample?.shown ?? null]),
      );
      return { text: `{${space}${keyed.join(`${space},${space}`)}${space}}`, shown };
    });
}

function valueOf(type: ValueType): fc.Arbitrary<Sample> {
  switch (type.type) {
    case 'record':
      return recordOf(type.fields);
    case 'list':
      return fc.tuple(fc.array(slotOf(type.element), { maxLength: 4 }), spaces).map(([items, space]) => ({
        text: `[${space}${items.map(({ text }) => text).join(`${space},`)}${space}]`,
        shown: items.map(({ shown }) => shown),
      }));
    case 'map':
      return fc
        .tuple(
          fc.dictionary(fc.constantFrom('a', 'b"', 'ü', 'é'), slotOf(type.value), {
            noNullPrototype: true,
            maxKeys: 4,
          }),
          spaces,
        )
        .map(([entries, space]) => ({
          text: `{${space}${Object.entries(entries)
            .map(([key, { text }]) => `${JSON.stringify(key)}:${space}${text}`)
            .join(',')}}`,
          shown: Object.fromEntries(Object.entries(entries).map(([key, { shown }]) => [key, shown])),
        }));
    default:
      return leafOf(type);
  }
}

const escaped = (unit: number): string => `\\u${unit.toString(16).padStart(4, '0')}`;

/** Text as JSON, with few escapes or with nothing else. */
function quoted(text: string, escapeAll: boolean): string {
  if (!escapeAll) return JSON.stringify(text);
  return `"${Array.from({ length: text.length }, (_, at) => escaped(text.charCodeAt(at))).join('')}"`;
}

const texts = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.toWellFormed()),
  fc.constantFrom('', 'a'.repeat(100), 'ü'.repeat(70), '"\\/\b\f\n\r\t'),
);
const textSample = fc
  .tuple(texts, fc.boolean())
  .map(([text, escapeAll]): Sample => ({ text: quoted(text, escapeAll), shown: text }));

/** Whole numbers in their forms: 120, 120.0, 12e1. */
function wholeText(value: bigint, form: number): string {
  if (form === 1) return `${value}.0`;
  if (form === 2 && value !== 0n) return `${value}0e-1`;
  if (form === 3 && value !== 0n && value % 10n === 0n) return `${value / 10n}E+1`;
  return String(value);
}
const whole = (min: bigint, max: bigint, show: (value: bigint) => unknown): fc.Arbitrary<Sample> =>
  fc
    .tuple(
      fc.oneof(
        fc.bigInt({ min, max }),
        fc.constantFrom(min, max),
        fc.bigInt({ min: min < 0n ? -9n : 0n, max: 20n }),
      ),
      fc.nat(6),
    )
    .map(([value, form]) => ({ text: wholeText(value, form), shown: show(value) }));

const doubles = fc
  .oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer().map((cents) => cents / 100),
    fc.constantFrom(0, -0, 1e22, 5e-324),
  )
  .map((value) => ({ value, text: Object.is(value, -0) ? '-0.0' : String(value) }));

const iso = (seconds: number, fraction: string): string =>
  `${new Date(seconds * 1000).toISOString().slice(0, 19)}${fraction}`;

function leafOf(type: LeafType): fc.Arbitrary<Sample> {
  switch (type.type) {
    case 'boolean':
      return fc.boolean().map((value) => ({ text: String(value), shown: value }));
    case 'int':
      return whole(-(2n ** 31n), 2n ** 31n - 1n, Number);
    case 'long':
      return whole(-(2n ** 63n), 2n ** 63n - 1n, (value) => value);
    case 'double':
      return doubles.map(({ value, text }) => ({ text, shown: value }));
    case 'float':
      return fc
        .float({ noNaN: true, noDefaultInfinity: true })
        .map((value) => ({ text: Object.is(value, -0) ? '-0' : String(value), shown: value }));
    case 'string':
      return textSample;
    case 'json':
      return fc
        .json({ maxDepth: 2, noUnicodeString: false })
        .filter((text) => text !== 'null' && text.isWellFormed())
        .map((text) => ({ text, shown: JSON.parse(text) as unknown }));
    case 'enum':
      return fc
        .constantFrom(...type.symbols)
        .map((symbol) => ({ text: JSON.stringify(symbol), shown: hex(Buffer.from(symbol)) }));
    case 'bytes':
      return fc.uint8Array({ maxLength: 20 }).map(base64Sample);
    case 'fixed':
      return fc.uint8Array({ minLength: type.lengthBytes, maxLength: type.lengthBytes }).map(base64Sample);
    case 'uuid':
      return fc.uuid().map((uuid) => ({ text: `"${uuid.toUpperCase()}"`, shown: uuid }));
    case 'decimal':
      return decimals(type.precision, type.scale);
    default:
      return timeOf(type);
  }
}

const base64Sample = (bytes: Uint8Array): Sample => ({
  text: `"${Buffer.from(bytes).toString(bytes.length % 2 === 0 ? 'base64' : 'base64url')}"`,
  shown: hex(bytes),
});

export const hex = (bytes: Uint8Array): string => `bytes ${Buffer.from(bytes).toString('hex')}`;

function decimals(precision: number, scale: number): fc.Arbitrary<Sample> {
  const most = 10n ** BigInt(precision) - 1n;
  return fc.tuple(fc.bigInt({ min: -most, max: most }), fc.boolean()).map(([unscaled, isText]) => {
    const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
    const point = digits.length - scale;
    const fraction = scale > 0 ? `.${digits.slice(point)}` : '';
    const number = `${unscaled < 0n ? '-' : ''}${digits.slice(0, point)}${fraction}`;
    return { text: isText ? `"${number}"` : number, shown: Number(unscaled) * 10 ** -scale };
  });
}

function timeOf(type: Extract<LeafType, { type: 'date' | 'time' | 'timestamp' }>): fc.Arbitrary<Sample> {
  if (type.type === 'date') {
    return fc.tuple(fc.integer({ min: -719_528, max: 2_932_896 }), fc.boolean()).map(([days, isText]) => ({
      text: isText ? `"${iso(days * 86_400, '').slice(0, 10)}"` : String(days),
      shown: days,
    }));
  }
  const perSecond = { millis: 1_000n, micros: 1_000_000n, nanos: 1_000_000_000n }[type.unit];
  const digits = String(perSecond).length - 1;
  const isTime = type.type === 'time';
  const [min, max] = isTime
    ? [0, 86_399]
    : type.unit === 'nanos'
      ? [-9_000_000_000, 9_000_000_000]
      : [-62_167_219_200, 253_402_300_799];
  return fc
    .tuple(fc.integer({ min, max }), fc.bigInt({ min: 0n, max: perSecond - 1n }), fc.nat(2))
    .map(([seconds, part, form]) => {
      const value = BigInt(seconds) * perSecond + part;
      const shown = isTime && type.unit === 'millis' ? Number(value) : value;
      if (form === 0) return { text: String(value), shown };
      const text = iso(seconds, `.${String(part).padStart(digits, '0')}`);
      return { text: isTime ? `"${text.slice(11)}"` : `"${text}${type.isUtc ? 'Z' : ''}"`, shown };
    });
}
