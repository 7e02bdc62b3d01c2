/** Building blocks of the job file's definition. */
import { z } from 'zod';
import { expecting } from './values.ts';

const A_MAP = 'a map of keys';

export function map<Shape extends z.core.$ZodLooseShape>(shape: Shape, expected: string = A_MAP) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : expecting(expected)(issue)),
  });
}

/**
 * A rule over several keys. It also runs if one of them is invalid by itself, so that every problem is
 * reported at once.
 */
export function rule<T extends z.ZodType>(
  schema: T,
  check: (value: Record<string, unknown>) => string | null,
): T {
  return schema.refine((value) => !isMap(value) || check(value) === null, {
    when: ({ value }) => isMap(value),
    error: ({ input }) => (isMap(input) ? (check(input) ?? undefined) : undefined),
  });
}

export interface KeyProblem {
  /** Path below the map. */
  readonly key: readonly string[];
  readonly message: string;
}

/** The same, if each problem belongs to its own key. */
export function rules<T extends z.ZodType>(
  schema: T,
  check: (value: Record<string, unknown>) => readonly KeyProblem[],
): T {
  return schema.superRefine(
    (value, context) => {
      if (!isMap(value)) return;
      for (const { key, message } of check(value))
        context.addIssue({ code: 'custom', path: [...key], message });
    },
    { when: ({ value }) => isMap(value) },
  );
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One or more elements, without duplicates. */
export function listOf<T extends z.ZodType>(element: T, expected: string) {
  return z
    .array(element, { error: expecting(expected) })
    .min(1, { error: `is empty; expected ${expected}` })
    .superRefine((values, context) => {
      values.forEach((value, index) => {
        if (values.indexOf(value) === index) return;
        context.addIssue({
          code: 'custom',
          path: [index],
          message: `${JSON.stringify(value)} is here twice; expected each once`,
        });
      });
    })
    .meta({ uniqueItems: true });
}

/** `a, b or c`. */
export function eitherOf(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1) ?? ''}`;
}

/** `a, b, or c`, of parts of a sentence. */
export function listedOr(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')}, or ${parts.at(-1) ?? ''}`;
}

export function exactlyOne(keys: readonly string[]): (value: Record<string, unknown>) => string | null {
  return (value) => {
    const given = keys.filter((key) => value[key] !== undefined);
    if (given.length === 1) return null;
    return given.length === 0
      ? `is empty; expected ${eitherOf(keys)}`
      : `has ${given.join(' and ')}; expected one of them`;
  };
}

export function isPort(port: number): boolean {
  return port >= 1 && port <= 65_535;
}
