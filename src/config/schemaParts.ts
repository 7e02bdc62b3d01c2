/** What the parts of the job file's definition are made from. */
import { z } from 'zod';
import { existingFile, expecting, type SchemaContext } from './leaves.ts';

const A_MAP = 'a map of keys';

export function map<Shape extends z.core.$ZodLooseShape>(shape: Shape, expected: string = A_MAP) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : expecting(expected)(issue)),
  });
}

/** A rule over several keys; it also speaks when one of them is wrong by itself, so that every problem is named at once. */
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
  /** Steps below the map. */
  readonly key: readonly string[];
  readonly message: string;
}

/** The same where each problem belongs to a key of its own. */
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

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One or more, each once. */
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
          message: `${JSON.stringify(value)} stands here twice; expected each once`,
        });
      });
    })
    .meta({ uniqueItems: true });
}

export function tlsShape(context: SchemaContext) {
  return {
    ca: existingFile(context, 'a PEM file with certificate authorities').optional().meta({
      description: 'PEM file with the certificate authorities to trust, instead of those that Node trusts.',
    }),
    cert: existingFile(context, "a PEM file with the client's certificate").optional().meta({
      description: "PEM file with the client's own certificate; together with key.",
    }),
    key: existingFile(context, "a PEM file with the client's key").optional().meta({
      description: "PEM file with the client's own key; together with cert.",
    }),
  };
}

export function certNeedsKey(value: Record<string, unknown>): string | null {
  const [has, lacks] = value['cert'] === undefined ? ['key', 'cert'] : ['cert', 'key'];
  return value[has] === undefined || value[lacks] !== undefined
    ? null
    : `has ${has} without ${lacks}; expected both or neither`;
}

export function exactlyOne(first: string, second: string): (value: Record<string, unknown>) => string | null {
  return (value) => {
    const given = [first, second].filter((key) => value[key] !== undefined);
    if (given.length === 1) return null;
    return given.length === 0
      ? `is empty; expected ${first} or ${second}`
      : `has ${first} and ${second}; expected one of them`;
  };
}

export function isPort(port: number): boolean {
  return port >= 1 && port <= 65_535;
}
