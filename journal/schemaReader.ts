/**
 * A zod schema as a chain of plain functions, for data that is read by the hundred thousand. The shape is
 * still defined only by the schema, which decides whenever a reader is not sure: for unknown keys and for
 * values that do not fit.
 */
import { z } from 'zod';

/** The reader cannot decide: use the schema, with the original value. */
export const NOT_SURE = Symbol('not sure');

/**
 * Returns the schema's result for a value from JSON.parse, or NOT_SURE. Changes objects and arrays in place,
 * even if the result is NOT_SURE.
 */
export type SchemaReader = (value: unknown) => unknown;

/** Uses the schema itself for unsupported parts. */
export function compileReader(schema: z.core.$ZodType): SchemaReader {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (def.type !== 'number' && (def.checks ?? []).length > 0) return askedReader(schema);
  switch (def.type) {
    case 'string':
      return stringReader(schema as z.core.$ZodString);
    case 'number':
      return numberReader(schema as z.core.$ZodNumber);
    case 'literal':
      return memberReader(def.values);
    case 'enum':
      return memberReader(Object.values(def.entries));
    case 'nullable': {
      const read = compileReader(def.innerType);
      return (value) => (value === null ? null : read(value));
    }
    case 'pipe':
      return pipeReader(def.in, def.out) ?? askedReader(schema);
    case 'array':
      return arrayReader(compileReader(def.element));
    case 'object':
      return def.catchall === undefined ? objectReader(def.shape) : askedReader(schema);
    case 'union':
      return unionReader(schema as z.core.$ZodDiscriminatedUnion) ?? askedReader(schema);
    default:
      return askedReader(schema);
  }
}

/** For everything rare. Null is tested in advance, because most handles are null. */
function askedReader(schema: z.core.$ZodType): SchemaReader {
  const takesNull = z.core.safeParse(schema, null);
  return (value) => {
    if (value === null && takesNull.success) return takesNull.data;
    const parsed = z.core.safeParse(schema, value);
    return parsed.success ? parsed.data : NOT_SURE;
  };
}

function stringReader(schema: z.core.$ZodString): SchemaReader {
  const { def } = schema._zod;
  if (def.coerce === true) return askedReader(schema);
  const { fn } = def as { fn?: (text: string) => unknown };
  if (fn !== undefined)
    return (value) => (typeof value === 'string' && fn(value) === true ? value : NOT_SURE);
  if ('format' in def) return askedReader(schema);
  return (value) => (typeof value === 'string' ? value : NOT_SURE);
}

/** Reads whole numbers with a minimum. */
function numberReader(schema: z.core.$ZodNumber): SchemaReader {
  const checks = (schema._zod.def.checks ?? []).map((check) => (check as z.core.$ZodChecks)._zod.def);
  let isWhole = false;
  let least = -Infinity;
  for (const check of checks) {
    if (check.check === 'number_format' && check.format === 'safeint') isWhole = true;
    else if (check.check === 'greater_than' && typeof check.value === 'number') {
      least = Math.max(least, check.inclusive ? check.value : Math.floor(check.value) + 1);
    } else return askedReader(schema);
  }
  if (!isWhole) return askedReader(schema);
  return (value) => (Number.isSafeInteger(value) && (value as number) >= least ? value : NOT_SURE);
}

function memberReader(members: readonly unknown[]): SchemaReader {
  const [only, ...others] = members;
  if (others.length === 0) return (value) => (value === only ? value : NOT_SURE);
  const known = new Set(members);
  return (value) => (known.has(value) ? value : NOT_SURE);
}

/** Text that is checked and transformed. */
function pipeReader(from: z.core.$ZodType, to: z.core.$ZodType): SchemaReader | null {
  const { def } = (to as z.core.$ZodTypes)._zod;
  if (def.type !== 'transform') return null;
  const read = compileReader(from);
  const transform = def.transform as (value: unknown) => unknown;
  return (value) => {
    const input = read(value);
    return input === NOT_SURE ? NOT_SURE : transform(input);
  };
}

function arrayReader(read: SchemaReader): SchemaReader {
  return (value) => {
    if (!Array.isArray(value)) return NOT_SURE;
    const items: unknown[] = value;
    for (let index = 0; index < items.length; index += 1) {
      const item = read(items[index]);
      if (item === NOT_SURE) return NOT_SURE;
      items[index] = item;
    }
    return items;
  };
}

function objectReader(shape: Readonly<Record<string, z.core.$ZodType>>): SchemaReader {
  const known = Object.entries(shape).map(([key, schema]) => {
    const { def } = (schema as z.core.$ZodTypes)._zod;
    const isOptional = def.type === 'optional';
    return { key, isOptional, read: compileReader(isOptional ? def.innerType : schema) };
  });
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return NOT_SURE;
    const fields = value as Record<string, unknown>;
    let absent = 0;
    for (const { key, isOptional, read } of known) {
      const before = fields[key];
      if (before === undefined && isOptional) {
        absent += 1;
        continue;
      }
      const after = before === undefined ? NOT_SURE : read(before);
      if (after === NOT_SURE) return NOT_SURE;
      if (after !== before) fields[key] = after;
    }
    // All known keys that are present account for the object's size, so it has no others.
    return Object.keys(value).length === known.length - absent ? fields : NOT_SURE;
  };
}

/** Selects the option by the value of the discriminator field. */
function unionReader(schema: z.core.$ZodDiscriminatedUnion): SchemaReader | null {
  const { discriminator, options } = schema._zod.def as Partial<typeof schema._zod.def>;
  if (discriminator === undefined || options === undefined) return null;
  const readers = new Map<unknown, SchemaReader>();
  for (const option of options) {
    const values = (option as z.core.$ZodTypes)._zod.propValues?.[discriminator];
    if (values === undefined) return null;
    const read = compileReader(option);
    for (const value of values) readers.set(value, read);
  }
  return (value) => {
    if (typeof value !== 'object' || value === null) return NOT_SURE;
    return readers.get((value as Record<string, unknown>)[discriminator])?.(value) ?? NOT_SURE;
  };
}
