import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { bigintsAsText } from '../../../kernels/json.ts';
import { journalEventSchema, type JournalEvent } from '../../../journal/events.ts';
import { compileReader, NOT_SURE } from '../../../journal/schemaReader.ts';
import { anyEvent } from './anyEntry.ts';

type Raw = Record<string, unknown>;

/** Whatever may stand where something else should: each fits somewhere, and most of them nowhere. */
const misfits: readonly string[] = [
  ...['null', 'true', '-1', '0', '7', '1.5', '1e999', '9007199254740993', '-0', '""', '"text"', '"12"'],
  ...['"12345678901234567890"', `"${'a'.repeat(32)}"`, `"${'A'.repeat(32)}"`, '[]', '[null]', '{}'],
  ...['{"__proto__":1}', '{"type":"partCommitted"}', '{"nullValue":-1}', '"pending"', '"size"'],
];

/** Takes something away, adds something, or puts a misfit somewhere, at the place that the numbers draw. */
function damaged(event: JournalEvent, place: readonly number[], how: number, misfit: unknown): unknown {
  let target = JSON.parse(JSON.stringify(event, bigintsAsText)) as Raw;
  const root = target;
  for (const [depth, number] of place.entries()) {
    const keys = Object.keys(target);
    const key = keys[number % Math.max(1, keys.length)] ?? 'none';
    const inner = target[key];
    if (depth < place.length - 1 && typeof inner === 'object' && inner !== null) {
      target = inner as Raw;
      continue;
    }
    if (how === 1) Reflect.deleteProperty(target, key);
    else if (how === 2) target[Array.isArray(target) ? keys.length : 'unheardOf'] = misfit;
    else if (how === 3 && keys.length > 0) target[key] = misfit;
    break;
  }
  return root;
}

/** A branded id that does not match throws. */
function outcome<T>(read: () => T): T | 'rejected' {
  try {
    return read();
  } catch {
    return 'rejected';
  }
}

function bySchema(schema: z.ZodType, value: unknown): unknown {
  return outcome(() => {
    const parsed = schema.safeParse(value);
    return parsed.success ? parsed.data : 'rejected';
  });
}

const copy = (value: unknown): unknown => structuredClone(value);

describe('a compiled schema', () => {
  const read = compileReader(journalEventSchema);

  test('gives what the schema gives, or is not sure: sound events', () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        const raw = damaged(event, [], 0, null);
        const expected = bySchema(journalEventSchema, copy(raw));
        expect(expected).toEqual(event);
        expect(read(raw)).toEqual(event);
      }),
      { numRuns: 500 },
    );
  });

  test('gives what the schema gives, or is not sure: damaged events', () => {
    const counts = { sure: 0, rejected: 0 };
    const damage = fc.tuple(
      fc.array(fc.nat(9), { minLength: 1, maxLength: 3 }),
      fc.constantFrom(1, 2, 3),
      fc.constantFrom(...misfits),
    );
    fc.assert(
      fc.property(anyEvent, damage, (event, [place, how, misfit]) => {
        const raw = damaged(event, place, how, JSON.parse(misfit));
        const expected = bySchema(journalEventSchema, copy(raw));
        const own = outcome(() => read(raw));
        if (expected === 'rejected') counts.rejected += 1;
        if (own === NOT_SURE || own === 'rejected') return;
        counts.sure += 1;
        expect(own).toEqual(expected);
      }),
      { numRuns: 3_000 },
    );
    expect(counts.sure).toBeGreaterThan(100);
    expect(counts.rejected).toBeGreaterThan(1_000);
  });

  const pieces: Readonly<Record<string, z.ZodType>> = {
    'a string with checks': z.string().min(3),
    'a format of zod': z.email(),
    'any number': z.number(),
    'a number above': z.number().int().gt(7),
    'a number with another check': z.number().int().multipleOf(7),
    'an optional field': z.object({ text: z.string().optional() }),
    'a plain union': z.union([z.string(), z.number()]),
    'a boolean': z.boolean(),
    'a strict object': z.strictObject({ nullValue: z.number() }),
    'a loose object': z.looseObject({}),
    'a refined object': z.object({ nullValue: z.number() }).refine(({ nullValue }) => nullValue > 0),
    'a pipe of two': z.string().pipe(z.enum(['text', 'size'])),
    'a default': z.object({ text: z.string().default('x') }),
  };
  for (const [what, schema] of Object.entries(pieces)) {
    test(`never contradicts ${what}`, () => {
      const reader = compileReader(schema);
      for (const text of [
        ...misfits,
        '{"text":"x"}',
        '{"nullValue":0}',
        '{"nullValue":1,"more":2}',
        '"a@b.cd"',
      ]) {
        const own = outcome(() => reader(JSON.parse(text)));
        if (own !== NOT_SURE && own !== 'rejected') expect(own).toEqual(bySchema(schema, JSON.parse(text)));
      }
    });
  }
});
