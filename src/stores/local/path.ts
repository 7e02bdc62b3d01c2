/** Parses `sink.path` as a folder of this machine. */
import path from 'node:path';
import { hasScheme } from '../../../kernels/schema/outside.ts';
import { hasControl } from '../../../kernels/schema/values.ts';

const FILE_SCHEME = 'file://';

/** The problem of the text itself. Null if there is none. */
export function folderProblem(value: string, baseDir: string): string | null {
  const wrong = schemeProblem(value) ?? (isRoot(folderOf(value, baseDir)) ? 'is the root folder' : null);
  return wrong === null ? null : `${JSON.stringify(value)} ${wrong}`;
}

/**
 * `file:///absolute/folder`, without a trailing slash. As in Hadoop, the path is literal and not
 * percent-decoded: names of part files are appended as they are.
 */
export function fileSinkUri(value: string, baseDir: string): string {
  return `${FILE_SCHEME}${folderOf(value, baseDir)}`;
}

function folderOf(value: string, baseDir: string): string {
  return path.resolve(baseDir, value.startsWith(FILE_SCHEME) ? value.slice(FILE_SCHEME.length) : value);
}

function isRoot(folder: string): boolean {
  return folder === path.parse(folder).root;
}

function schemeProblem(value: string): string | null {
  if (hasControl(value)) return 'holds a control character';
  if (!hasScheme(value)) return null;
  if (!value.startsWith('file:')) return 'has a scheme that is unknown';
  return value.startsWith(`${FILE_SCHEME}/`) ? null : 'names another machine, or no absolute path';
}
