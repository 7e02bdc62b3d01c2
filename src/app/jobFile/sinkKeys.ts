/** The keys below `sink`: those that every destination has, and those of each kind. */
import { z } from 'zod';
import { markerFolderUri, type Entropy } from '../../../actors/naming.ts';
import { shellOnlyProblem, type SchemaContext } from '../../../kernels/schema/outside.ts';
import { map, listedOr, rules, type KeyProblem } from '../../../kernels/schema/parts.ts';
import { expecting, hasControl, text } from '../../../kernels/schema/values.ts';
import type { SinkConfig } from '../../config/jobConfig.ts';
import type { StoreKind } from '../../stores/kind.ts';
import { contentKeys, contentProblems, ownKeys, toContentConfig } from './contentKeys.ts';
import type { JobKinds } from '../registeredKinds.ts';

const ENTROPY_LENGTH_MAX = 64;

type SinkKinds = Pick<JobKinds, 'stores' | 'formats'>;
type SinkKeys = Readonly<Record<string, unknown>>;

export function sinkSchema(context: SchemaContext, kinds: SinkKinds) {
  const { stores, formats } = kinds;
  const suffixes = [...new Set(formats.flatMap(suffixesOf))];
  const example = listedOr(stores.map(({ pathExample }) => pathExample).toReversed());
  const shared = map({
    path: text(`a folder: ${example}`, (value) => pathProblem(value, context.baseDir, stores)).meta({
      description: `Folder for the part files: ${example}.`,
    }),
    ...contentKeys(formats),
    prefix: nameAffix('prefix')
      .default('part')
      .meta({ description: 'Begin of the names of part files; not "." or "_".' }),
    suffix: nameAffix('suffix')
      .optional()
      .meta({
        description:
          `End of the names of part files, like .ndjson. By default what engines expect: ` +
          `${suffixes.join(', ')}; ` +
          'nothing for plain text.',
      }),
    entropy: entropySchema().optional(),
  });
  const keys = shared.extend(
    Object.assign(ownKeys(formats), ...stores.map((kind) => kind.keys(context))) as z.core.$ZodLooseShape,
  );
  return rules(keys, (value) => [
    ...sinkProblems(value, context, stores),
    ...contentProblems(value, formats),
  ]).meta({
    description: 'Where part files go.',
  });
}

function suffixesOf({ suffix, compressions }: SinkKinds['formats'][number]): string[] {
  return [suffix, ...compressions.map((one) => one.suffix)].filter((text) => text !== '');
}

/** The keys that every destination has. */
interface SharedKeys {
  readonly path: string;
  readonly prefix: string;
  readonly suffix?: string | undefined;
  readonly entropy?: Entropy | undefined;
}

type ParsedSink = z.output<ReturnType<typeof sinkSchema>>;

function kindThatTakes(sink: SinkKeys, stores: readonly StoreKind[]): StoreKind {
  const kind = stores.find((candidate) => candidate.takes(sink));
  if (kind === undefined) throw new TypeError('No kind of store takes a path of any kind.');
  return kind;
}

function pathProblem(path: string, baseDir: string, stores: readonly StoreKind[]): string | null {
  return shellOnlyProblem(path) ?? kindThatTakes({ path }, stores).pathProblem(path, baseDir);
}

/** Problems between keys; none for keys that are wrong by themselves. */
function sinkProblems(sink: SinkKeys, context: SchemaContext, stores: readonly StoreKind[]): KeyProblem[] {
  const { path, entropy } = sink;
  if (typeof path !== 'string' || path === '' || pathProblem(path, context.baseDir, stores) !== null)
    return [];
  const kind = kindThatTakes(sink, stores);
  return [
    ...foreignKeys(sink, context, kind, stores),
    ...kind.problems(sink, context),
    ...entropyProblems(kind.uri(path, context.baseDir), entropy),
  ];
}

/** Keys of another kind of destination than the one that the path names. */
function foreignKeys(
  sink: SinkKeys,
  context: SchemaContext,
  kind: StoreKind,
  stores: readonly StoreKind[],
): KeyProblem[] {
  const keysOf = (one: StoreKind): string[] => Object.keys(one.keys(context));
  const own = keysOf(kind);
  const foreign = new Set(
    stores.flatMap(keysOf).filter((key) => sink[key] !== undefined && !own.includes(key)),
  );
  return [...foreign].map((key) => {
    const others = stores.filter((other) => keysOf(other).includes(key)).map(({ pathIs }) => pathIs);
    const message =
      `belongs to ${others.join(' or ')}, but sink.path is ${kind.pathIs}; expected ` +
      'one without the other';
    return { key: [key], message };
  });
}

function entropyProblems(uri: string, entropy: unknown): KeyProblem[] {
  const key = typeof entropy === 'object' && entropy !== null && 'key' in entropy ? entropy.key : null;
  if (typeof key !== 'string' || key === '' || key.includes('/')) return [];
  const pathOf = (some: string): string => some.replace(/^[a-z]+:\/\/[^/]*/, '');
  const rest = pathOf(markerFolderUri({ sinkUri: uri, entropy: { key, length: 1 } }));
  const shown = JSON.stringify(key);
  const wrong = !pathOf(uri).includes(key)
    ? `${shown} is not in the path ${pathOf(uri) || '/'}; expected a part of sink.path`
    : rest.split('/').some((step) => step === '.' || step === '..')
      ? `leaves the folder ${rest} where it is taken out; expected a key that leaves no "." or ".."`
      : rest === '' && uri.startsWith('file:')
        ? `${shown} leaves the root folder where it is taken out, as for the marker; ` +
          'expected another folder beside it'
        : null;
  return wrong === null ? [] : [{ key: ['entropy', 'key'], message: wrong }];
}

/**
 * Needs a sink that the schema's rules accepted, so the keys fit together.
 * @param hasSchema whether the job file names the schema of its values.
 */
export function toSinkConfig(
  sink: ParsedSink,
  hasSchema: boolean,
  context: SchemaContext,
  { stores, formats }: SinkKinds,
): SinkConfig {
  // Only the kinds know their keys, so with them the shared ones lose their types.
  const { path, prefix, entropy = null, ...shared } = sink as unknown as SharedKeys;
  const kind = kindThatTakes(sink, stores);
  const content = toContentConfig(sink, hasSchema, formats);
  const suffix = shared.suffix ?? content.suffix;
  return kind.toConfig(
    sink,
    { ...content, uri: kind.uri(path, context.baseDir), prefix, suffix, entropy },
    context,
  );
}

function entropySchema() {
  const length = `a whole number from 1 to ${ENTROPY_LENGTH_MAX}`;
  return map({
    key: text('a part of the path in sink.path, like _entropy_', (value) => {
      if (value.includes('/')) return `${JSON.stringify(value)} holds a "/"`;
      return hasControl(value) ? 'holds a control character' : null;
    }).meta({ description: 'Text that is replaced wherever it occurs in the folder of a part file.' }),
    length: z
      .int({ error: expecting(length) })
      .min(1, { error: `is less than 1; expected ${length}` })
      .max(ENTROPY_LENGTH_MAX, { error: `is more than ${ENTROPY_LENGTH_MAX}; expected ${length}` })
      .meta({ description: 'How many random letters and digits take its place.' }),
  }).meta({ description: 'Random letters and digits in the folder of every part file.' });
}

const NAME_BYTES_MAX = 32;

/** Start or end of the name of a part file. */
export function nameAffix(kind: 'prefix' | 'suffix') {
  const expected = `a text of at most ${NAME_BYTES_MAX} bytes without "/", "\\" or control characters`;
  return z.string({ error: expecting(expected) }).superRefine((value, context) => {
    const wrong = affixProblem(value, kind);
    if (wrong !== null)
      context.addIssue({
        code: 'custom',
        message: `${JSON.stringify(value)} ${wrong}; expected ${expected}`,
      });
  });
}

function affixProblem(value: string, kind: 'prefix' | 'suffix'): string | null {
  if (kind === 'prefix' && value === '') return 'is empty';
  if (kind === 'prefix' && /^[._]/.test(value))
    return `begins with "${value.charAt(0)}", which readers take for hidden`;
  if (/[/\\]/.test(value)) return 'holds a separator of folders (folders belong into bucket.pattern)';
  if (hasControl(value)) return 'holds a control character';
  if (Buffer.byteLength(value) > NAME_BYTES_MAX) return 'is too long';
  return null;
}
