/** The text of `sink.path` where it is a folder of this machine. */
import path from 'node:path';
import { hasScheme } from '../../../kernels/schema/outside.ts';
import { hasControl } from '../../../kernels/schema/values.ts';

const FILE_SCHEME = 'file://';

/** What is wrong with the text by itself; null where nothing is. */
export function folderProblem(value: string, baseDir: string): string | null {
  const wrong = schemeProblem(value) ?? (isRoot(folderOf(value, baseDir)) ? 'is the root folder' : null);
  return wrong === null ? null : `${JSON.stringify(value)} ${wrong}`;
}

/**
 * `file:///absolute/folder`, without a slash at the end. As in Hadoop the path is literal, nothing is percent-decoded: the
 * names of part files are put behind it as they are.
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
