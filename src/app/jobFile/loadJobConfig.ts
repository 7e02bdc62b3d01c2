/** Reads, checks and types a job file. Reports all problems at once, each with file, line and key. */
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { TidemarkError } from '../../../journal/errors.ts';
import { parseYaml, type KeyPlace, type Place } from '../../config/document.ts';
import type { FileText } from '../../../kernels/schema/outside.ts';
import type { JobConfig } from '../../config/jobConfig.ts';
import { applyOverride, parseOverride, type Override } from '../../config/overrides.ts';
import { plainSecretWarning } from '../../config/plainSecrets.ts';
import { pathText, problemsOf, type KeyPath, type Problem } from '../../config/problems.ts';
import { jobJsonSchema, jobSchema } from './keys.ts';
import { JOB_KINDS, kindOf, type JobKinds } from '../registeredKinds.ts';
import { leastCeilingBytes } from '../../system/memoryBudget.ts';
import { toJobConfig } from './toJobConfig.ts';

const MIB = 1024 * 1024;

export interface LoadOptions {
  /** Path of the job file as the user wrote it; messages repeat it. */
  readonly path: string;
  /** Each is `key=value`; applied in order. Problems name them `-D key`. */
  readonly overrides?: readonly string[];
  /** Where `{ env: VARIABLE }` is looked up. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder that a relative `path` starts from. */
  readonly cwd: string;
  /** All kinds if not given. */
  readonly kinds?: JobKinds;
}

/** Throws CONFIG_INVALID; its field `problems` holds one line per problem. */
export function loadJobConfig(options: LoadOptions): JobConfig {
  const file = path.resolve(options.cwd, options.path);
  const document = parseYaml(readJobFile(options.path, file));
  if (document.type === 'invalid') {
    const problems = document.problems.map(({ place, message }) => `${at(options.path, place)}: ${message}`);
    throw invalid(options.path, problems);
  }
  const { data, overrides, problems: overrideProblems } = override(document.data, options.overrides ?? []);
  const baseDir = path.dirname(file);
  const context = { env: options.env, baseDir, isReadableFile, readText };
  const kinds = options.kinds ?? JOB_KINDS;
  const result = jobSchema(context, kinds).safeParse(data);
  const keyProblems = result.success
    ? []
    : problemsOf(result.error.issues, (keyPath) => knownKeys(keyPath, kinds));
  const lines = locate(keyProblems, options.path, overrides, document.placeOf);
  if (!result.success || overrideProblems.length > 0)
    throw invalid(options.path, [...lines, ...overrideProblems]);
  const warning = plainSecretWarning(options.path, file, document.data);
  const warnings = warning === null ? [] : [warning];
  const config = toJobConfig(result.data, { file, context, warnings }, kinds);
  const tooLittle = memoryProblem(config, kinds);
  if (tooLittle === null) return config;
  throw invalid(options.path, locate([tooLittle], options.path, overrides, document.placeOf));
}

/** What the program itself takes is measured at the start only: this is the least for any. */
function memoryProblem({ memoryBytes, sink }: JobConfig, kinds: JobKinds): Problem | null {
  const storeBytes = kindOf(kinds.stores, sink).memoryBytes(sink);
  const leastBytes = leastCeilingBytes(storeBytes);
  if (memoryBytes === null || storeBytes === 0 || memoryBytes >= leastBytes) return null;
  const message =
    `is too little: the destination alone takes ${Math.ceil(storeBytes / MIB)} MiB; expected at least ` +
    `${Math.ceil(leastBytes / MIB)}MiB, and what the program itself takes`;
  return { path: ['memory'], message, isKey: false };
}

function invalid(file: string, problems: readonly string[]): TidemarkError {
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  return new TidemarkError('CONFIG_INVALID', `${file} has ${count}:\n${problems.join('\n')}`, {
    fields: { problems },
  });
}

function readJobFile(shown: string, file: string): string {
  const read = readText(file);
  if (read.type === 'text') return read.text;
  throw invalid(shown, [`${shown}: ${read.reason}; expected a job file in YAML`]);
}

function readText(file: string): FileText {
  try {
    return { type: 'text', text: new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file)) };
  } catch (error) {
    return { type: 'unreadable', reason: unreadable(error) };
  }
}

function unreadable(error: unknown): string {
  if (error instanceof TypeError) return 'is no UTF-8 text';
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    ENOTDIR: 'there is no such file',
    EISDIR: 'is a folder',
    EACCES: 'may not be read',
  };
  return known[code] ?? `cannot be read (${code})`;
}

function isReadableFile(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return statSync(file).isFile();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}

interface Overridden {
  readonly data: unknown;
  readonly overrides: readonly Override[];
  readonly problems: readonly string[];
}

function override(original: unknown, texts: readonly string[]): Overridden {
  if (texts.length === 0) return { data: original, overrides: [], problems: [] };
  // A copy without shared parts: values that YAML aliases share must not change together.
  const data: unknown = JSON.parse(JSON.stringify(original ?? {}));
  const overrides: Override[] = [];
  const problems: string[] = [];
  for (const text of texts) {
    const parsed = parseOverride(text);
    const wrong = parsed.type === 'invalid' ? parsed.reason : applyOverride(data, parsed.override);
    if (wrong !== null)
      problems.push(`-D ${parsed.type === 'invalid' ? parsed.key : parsed.override.key}: ${wrong}`);
    else if (parsed.type === 'parsed') overrides.push(parsed.override);
  }
  return { data, overrides, problems };
}

function locate(
  problems: readonly Problem[],
  file: string,
  overrides: readonly Override[],
  placeOf: (path: KeyPath, isKey: boolean) => KeyPlace,
): string[] {
  const located = problems.map((problem) => {
    const key = pathText(problem.path);
    const place = placeOf(problem.path, problem.isKey);
    const cause = causeOf(problem, place, overrides);
    if (cause === undefined)
      return { place, line: `${at(file, place)}${key === '' ? '' : ` ${key}`}: ${problem.message}` };
    const below = key === cause.key ? '' : `${key} `;
    return { place: null, line: `-D ${cause.key}: ${below}${problem.message}` };
  });
  const order = (place: Place | null): number =>
    place === null ? Number.MAX_SAFE_INTEGER : place.line * 1e6 + place.column;
  return located.sort((a, b) => order(a.place) - order(b.place)).map(({ line }) => line);
}

/** The `-D` that set the value, or a map above it that the file does not have. */
function causeOf(
  { path: keyPath }: Problem,
  place: KeyPlace,
  overrides: readonly Override[],
): Override | undefined {
  const isAbove = (above: KeyPath, below: KeyPath): boolean =>
    above.every((step, index) => below[index] === step);
  return overrides.findLast(
    (candidate) =>
      isAbove(candidate.path, keyPath) ||
      (!place.isExact && keyPath.length > 0 && isAbove(keyPath, candidate.path)),
  );
}

function at(file: string, { line, column }: Place): string {
  return `${file}:${line}:${column}`;
}

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly anyOf?: readonly SchemaNode[];
}

function knownKeys(keyPath: KeyPath, kinds: JobKinds): readonly string[] {
  let nodes: SchemaNode[] = [jobJsonSchema(kinds)];
  for (const step of keyPath)
    nodes = nodes.flatMap(alternatives).flatMap((node) => node.properties?.[String(step)] ?? []);
  return nodes.flatMap(alternatives).flatMap((node) => Object.keys(node.properties ?? {}));
}

function alternatives(node: SchemaNode): readonly SchemaNode[] {
  return [node, ...(node.anyOf ?? [])];
}
