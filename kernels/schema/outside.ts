/** Values of a job file that refer to something outside it: files, environment variables, secrets. */
import path from 'node:path';
import { z } from 'zod';
import { Secret } from './secret.ts';
import { expecting, matchingText, text } from './values.ts';

/** The context that the values of a job file refer to. */
export interface SchemaContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute folder that relative paths start from. */
  readonly baseDir: string;
  readonly isReadableFile: (file: string) => boolean;
  readonly readText: (file: string) => FileText;
}

/** The content of a text file, or why there is none: continues "the file". */
export type FileText =
  { readonly type: 'text'; readonly text: string } | { readonly type: 'unreadable'; readonly reason: string };

/** Text in a path that only a shell would replace; without one, it would become the name of a folder. */
export function shellOnlyProblem(value: string): string | null {
  const [, steps = value] = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/(.*)$/s.exec(value) ?? [];
  if (steps.startsWith('~'))
    return (
      'begins with "~", which only a shell replaces: write the whole path (a name that begins ' +
      'so: ./~name)'
    );
  return /\$\{|(^|\/)\$[A-Za-z_(]/.test(steps)
    ? 'holds a variable like ${NAME}, which nothing replaces: write the path out, or set the key by ' +
        '-D in a shell'
    : null;
}

/** An existing file, as its absolute path. */
export function existingFile({ baseDir, isReadableFile }: SchemaContext, what: string) {
  return text(what, shellOnlyProblem).transform((value, context) => {
    const file = path.resolve(baseDir, value);
    if (!isReadableFile(file)) {
      context.addIssue({ code: 'custom', message: `"${value}" cannot be read (${file}); expected ${what}` });
      return z.NEVER;
    }
    return file;
  });
}

/** The text of an existing file, and its path as it is written. */
export function textFile({ baseDir, readText }: SchemaContext, what: string, bytesMax: number) {
  return text(what, shellOnlyProblem).transform((value, context) => {
    const file = path.resolve(baseDir, value);
    const read = readText(file);
    const tooLong = read.type === 'text' && Buffer.byteLength(read.text) > bytesMax;
    if (read.type === 'text' && !tooLong) return { file: value, text: read.text };
    const wrong =
      read.type === 'unreadable'
        ? `cannot be read (${file}: ${read.reason})`
        : `has more than ${bytesMax} bytes`;
    context.addIssue({ code: 'custom', message: `"${value}" ${wrong}; expected ${what}` });
    return z.NEVER;
  });
}

/** A path that need not exist yet, absolute. */
export function filePath({ baseDir }: SchemaContext, what: string) {
  return text(what, (value) => (hasScheme(value) ? 'is a URL' : shellOnlyProblem(value))).transform((value) =>
    path.resolve(baseDir, value),
  );
}

/** A secret, literal or as `{ env: VARIABLE }`. Never shown in a message. */
export function secret({ env }: SchemaContext) {
  const expected = 'a text or { env: VARIABLE }';
  return z
    .union(
      [
        z.string(),
        z.strictObject({
          env: matchingText('the name of an environment variable', /^[A-Za-z_][A-Za-z0-9_]*$/),
        }),
      ],
      {
        error: expecting(expected),
      },
    )
    .transform((value, context) => {
      const revealed = typeof value === 'string' ? value : env[value.env];
      if (revealed !== undefined && revealed !== '') return new Secret(revealed);
      const wrong =
        typeof value === 'string' ? 'is empty' : `the environment variable ${value.env} is not set`;
      context.addIssue({ code: 'custom', message: `${wrong}; expected ${expected}` });
      return z.NEVER;
    });
}

export function hasScheme(value: string): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]+:(\/\/|\/)/.test(value);
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

/** TLS files of a client. They exist and are readable; whoever connects reads their contents. */
export interface TlsFiles {
  /** Absolute path of a PEM file with the trusted certificate authorities; null: those that Node trusts. */
  readonly caFile: string | null;
  /** Absolute paths of the client's own certificate and key (PEM); both or neither. */
  readonly certFile: string | null;
  readonly keyFile: string | null;
}

interface ParsedTls {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

export function tlsFiles({ ca, cert, key }: ParsedTls): TlsFiles {
  return { caFile: ca ?? null, certFile: cert ?? null, keyFile: key ?? null };
}
