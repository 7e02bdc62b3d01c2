/** The text of `sink.path`: a folder of this machine, or an `oss://` path. */
import path from 'node:path';
import { hasScheme, shellOnlyProblem } from './leaves.ts';
import { OSS_SCHEME, parseOssPath } from './ossPath.ts';

const FILE_SCHEME = 'file://';

/** What is wrong with the text by itself; null where nothing is. */
export function sinkPathProblem(value: string, baseDir: string): string | null {
  const shellOnly = shellOnlyProblem(value);
  if (shellOnly !== null) return shellOnly;
  // Before anything is repeated: the text may hold an access key.
  if (isOssPath(value)) {
    const parsed = parseOssPath(value);
    return hasControl(value) ? 'holds a control character' : parsed.type === 'parsed' ? null : parsed.reason;
  }
  const wrong = folderProblem(value) ?? (isRoot(folderOf(value, baseDir)) ? 'is the root folder' : null);
  return wrong === null ? null : `${JSON.stringify(value)} ${wrong}`;
}

export function isOssPath(value: string): boolean {
  return value.startsWith(OSS_SCHEME);
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

function folderProblem(value: string): string | null {
  if (hasControl(value)) return 'holds a control character';
  if (!hasScheme(value)) return null;
  if (!value.startsWith('file:')) return 'has a scheme that is unknown';
  return value.startsWith(`${FILE_SCHEME}/`) ? null : 'names another machine, or no absolute path';
}

function hasControl(value: string): boolean {
  return /\p{Cc}/u.test(value) || !value.isWellFormed();
}
