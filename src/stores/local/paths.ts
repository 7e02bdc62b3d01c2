/** `file://` URIs: an absolute path, taken literally like a Hadoop path (no percent-decoding). */
import { basename } from 'node:path/posix';
import type { PartTarget } from '../port.ts';
import { handleInvalid } from '../failure.ts';

const SCHEME = 'file://';

/** The absolute path of a folder's URI, without a trailing slash. */
export function folderPathOf(uri: string): string {
  const path = uri.slice(SCHEME.length);
  if (!uri.startsWith(`${SCHEME}/`) || path.includes('\0')) {
    throw handleInvalid(`"${uri}" is no URI of the file store: it needs file:// and an absolute path.`, uri);
  }
  return path.length > 1 ? path.replace(/\/+$/, '') || '/' : path;
}

/** The absolute path of a file's URI. */
function filePathOf(uri: string): string {
  const path = folderPathOf(uri);
  if (uri.endsWith('/') || ['', '.', '..'].includes(basename(path))) {
    throw handleInvalid(`"${uri}" names no file: its last segment is missing or points to a folder.`, uri);
  }
  return path;
}

/**
 * The absolute path of a temporary file. It must be hidden, so that nothing a reader may have seen is ever
 * removed by its name.
 */
export function temporaryPathOf(uri: string): string {
  const path = filePathOf(uri);
  if (!basename(path).startsWith('.')) {
    throw handleInvalid(
      `"${uri}" is no temporary name: it does not begin with a dot. It is left alone.`,
      uri,
    );
  }
  return path;
}

export interface PartPaths {
  readonly temporary: string;
  /** The temporary name from the moment when the file may have been published. */
  readonly publishing: string;
  readonly final: string;
}

/** The name that a temporary file gets before it is published. */
export const publishingPathOf = (temporary: string): string => `${temporary}.p`;

export function partPathsOf(target: PartTarget): PartPaths {
  const temporary = temporaryPathOf(target.temporaryUri);
  const publishing = publishingPathOf(temporary);
  const paths = { temporary, publishing, final: filePathOf(target.finalUri) };
  if (basename(paths.final).startsWith('.')) {
    throw handleInvalid(
      `"${target.finalUri}" is hidden: a committed file's name does not begin with a dot.`,
      paths.final,
    );
  }
  return paths;
}
