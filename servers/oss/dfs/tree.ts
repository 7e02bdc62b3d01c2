import type { Change } from '../state/records.ts';
import { dfsError } from './errors.ts';
import type { Files } from './files.ts';
import { below, type DirectoryRow, type InodeRow, lengthOf, nameOf, parentOf } from './namespace.ts';

type FolderOwner = { readonly permission: number; readonly owner: string };

/** Makes the folder and its parents if they are missing. */
export function makeFolders(files: Files, path: string, how: FolderOwner): void {
  const { namespace } = files;
  const missing: string[] = [];
  for (let at = path; ; at = parentOf(at)) {
    const row = namespace.get(at);
    if (row?.kind === 'directory') break;
    if (row !== undefined) {
      throw at === path
        ? dfsError('fileAlreadyExists', `${at} already exists as a file`)
        : dfsError('parentNotDirectory', `not a folder: ${at}`);
    }
    missing.unshift(at);
  }
  if (missing.length === 0) return;
  const ids = namespace.newIds(missing.length, 'inode');
  namespace.commit(
    ids.change,
    ...missing.map((one, index) => namespace.put(one, folder(files, ids.first + index, how))),
  );
}

function folder({ now }: Files, id: number, { permission, owner }: FolderOwner): DirectoryRow {
  const atMs = now();
  return {
    kind: 'directory',
    id,
    permission,
    owner,
    group: 'supergroup',
    modifiedAtMs: atMs,
    accessedAtMs: atMs,
  };
}

/** False if there was nothing to remove. */
export function remove(files: Files, path: string, recursive: boolean): boolean {
  const { namespace } = files;
  const row = namespace.get(path);
  if (row === undefined) return false;
  const inside = row.kind === 'directory' ? namespace.pathsBelow(path) : [];
  if (inside.length > 0 && !recursive) throw dfsError('notEmptyDirectory', `${path} is non empty`);
  const rows = [row, ...inside.map((one) => namespace.get(one)!)];
  const gone = path === '/' ? inside : [path, ...inside];
  namespace.commit(...gone.map((one) => namespace.remove(one)));
  namespace.removeData(rows.flatMap((one) => (one.kind === 'file' ? one.blocks : [])));
  return true;
}

/**
 * Atomic, also for a whole folder. Moves into the destination if that is a folder. Returns false where HDFS
 * does.
 */
export function rename(files: Files, source: string, destination: string): boolean {
  const { namespace, guesses } = files;
  const row = namespace.get(source);
  if (row === undefined) throw dfsError('fileNotFound', `rename source does not exist: ${source}`);
  if (source === destination) return row.kind === 'file';
  if (destination.startsWith(below(source))) return false;
  const there = namespace.get(destination);
  const target = there?.kind === 'directory' ? `${below(destination)}${nameOf(source)}` : destination;
  namespace.expectParent(target);
  const replaced = namespace.get(target);
  if (replaced !== undefined && !(replaced.kind === 'file' && row.kind === 'file')) return false;
  if (replaced !== undefined && guesses.renameOntoFile === 'refuses') {
    throw dfsError('fileAlreadyExists', `rename destination already exists: ${target}`);
  }
  move(files, source, target, row);
  if (replaced?.kind === 'file') namespace.removeData(replaced.blocks);
  return true;
}

function move({ namespace }: Files, source: string, target: string, row: InodeRow): void {
  const inside = row.kind === 'directory' ? namespace.pathsBelow(source) : [];
  const changes: Change[] = [source, ...inside].flatMap((path) => [
    namespace.remove(path),
    namespace.put(`${target}${path.slice(source.length)}`, namespace.get(path)!),
  ]);
  if (namespace.get(target) !== undefined) changes.unshift(namespace.remove(target));
  namespace.commit(...changes);
}

export type Listing = {
  readonly rows: readonly (readonly [string, InodeRow])[];
  readonly isTruncated: boolean;
};

/** The children of a folder, by name; for a file, itself under an empty name. */
export function listing({ namespace }: Files, path: string, marker: string, maxKeys: number): Listing {
  const row = namespace.get(path);
  if (row === undefined) throw dfsError('fileNotFound', `File does not exist: ${path}`);
  if (row.kind === 'file') return { rows: [['', row]], isTruncated: false };
  const children = namespace.childrenOf(path).filter((one) => nameOf(one) > marker);
  const page = children.slice(0, maxKeys > 0 ? maxKeys : LISTING_MAX);
  return {
    rows: page.map((one) => [nameOf(one), namespace.get(one)!]),
    isTruncated: children.length > page.length,
  };
}

const LISTING_MAX = 1000;

export function summary({ namespace }: Files, path: string) {
  const row = namespace.get(path);
  if (row === undefined) throw dfsError('fileNotFound', `File does not exist: ${path}`);
  const rows = [row, ...namespace.pathsBelow(path).map((one) => namespace.get(one)!)];
  return {
    length: rows.reduce((sum, one) => sum + lengthOf(one), 0),
    fileCount: rows.filter(({ kind }) => kind === 'file').length,
    directoryCount: rows.filter(({ kind }) => kind === 'directory').length,
  };
}

/** Changes attributes of a row, as chmod, chown and touch do. */
export function setAttributes(
  { namespace }: Files,
  path: string,
  attributes: Partial<Pick<InodeRow, 'permission' | 'owner' | 'group' | 'modifiedAtMs' | 'accessedAtMs'>>,
): void {
  const row = namespace.get(path);
  if (row === undefined) throw dfsError('fileNotFound', `File does not exist: ${path}`);
  if (path !== '/') namespace.commit(namespace.put(path, { ...row, ...attributes }));
}
