import { dfsError } from './errors.ts';
import { closeFile, expectNoWriter, fileAt, type Files, leasedFile, withLastBlock } from './files.ts';
import { type BlockRow, type FileRow, lengthOf, parentOf } from './namespace.ts';
import { makeFolders } from './tree.ts';

const FLAG_CREATE = 1;
const FLAG_OVERWRITE = 2;

export type Creation = {
  readonly path: string;
  readonly clientName: string;
  readonly flag: number;
  readonly createParent: boolean;
  readonly permission: number;
  readonly blockSizeBytes: number;
  readonly replication: number;
  readonly owner: string;
};

export function createFile(files: Files, wanted: Creation): FileRow {
  const { namespace } = files;
  const { path, clientName } = wanted;
  const before = namespace.get(path);
  if (before?.kind === 'directory') throw dfsError('fileAlreadyExists', `${path} already exists as a folder`);
  if (before !== undefined && (wanted.flag & FLAG_OVERWRITE) === 0) {
    expectNoWriter(files, path, fileAt(files, path));
    throw dfsError('fileAlreadyExists', `${path} already exists`);
  }
  if (before === undefined && (wanted.flag & FLAG_CREATE) === 0) {
    throw dfsError('fileNotFound', `File does not exist: ${path}`);
  }
  if (wanted.createParent) makeFolders(files, parentOf(path), { permission: 0o755, owner: wanted.owner });
  else namespace.expectParent(path);
  const ids = namespace.newIds(1, 'inode');
  const row: FileRow = {
    kind: 'file',
    id: ids.first,
    permission: wanted.permission,
    owner: wanted.owner,
    group: 'supergroup',
    modifiedAtMs: files.now(),
    accessedAtMs: files.now(),
    replication: wanted.replication,
    blockSizeBytes: wanted.blockSizeBytes,
    blocks: [],
    writer: { clientName },
    pending: null,
  };
  namespace.commit(ids.change, namespace.put(path, row));
  files.leases.renew(clientName);
  if (before !== undefined) namespace.removeData(before.blocks);
  return row;
}

/** The client continues in a new block: bytes that were written before are never changed. */
export function appendFile(files: Files, path: string, clientName: string): FileRow {
  const closed = expectNoWriter(files, path, fileAt(files, path));
  const row: FileRow = { ...closed, writer: { clientName } };
  files.namespace.commit(files.namespace.put(path, row));
  files.leases.renew(clientName);
  return row;
}

export type Writing = { readonly fileId: number; readonly clientName: string };

/**
 * Adds a new last block; the block before it gets the length that the client reports. A client that asks
 * again, because the answer was lost, gets the same block: JindoSDK does so by itself.
 */
export function addBlock(
  files: Files,
  { fileId, clientName }: Writing,
  previous: BlockRow | null,
): { readonly block: BlockRow; readonly startByte: number } {
  const { path, row } = leasedFile(files, fileId, clientName);
  const last = row.blocks.at(-1);
  if (last?.sizeBytes === 0 && (previous === null || row.blocks.at(-2)?.id === previous.id)) {
    return { block: last, startByte: lengthOf(row) };
  }
  const known = previous === null ? row : withKnownLength(row, previous);
  const ids = files.namespace.newIds(1, 'block');
  const block: BlockRow = { id: ids.first, generation: ids.first - 1_073_740_825, sizeBytes: 0 };
  const grown: FileRow = { ...known, blocks: [...known.blocks, block] };
  files.namespace.commit(ids.change, files.namespace.put(path, grown));
  return { block, startByte: lengthOf(known) };
}

export function abandonBlock(files: Files, { fileId, clientName }: Writing, abandoned: BlockRow): void {
  const { path, row } = leasedFile(files, fileId, clientName);
  if (row.blocks.at(-1)?.id !== abandoned.id) return; // already gone
  files.namespace.commit(files.namespace.put(path, { ...row, blocks: row.blocks.slice(0, -1) }));
  files.namespace.removeData([abandoned]);
}

/** A negative length means unknown. */
export function fsyncFile(files: Files, { fileId, clientName }: Writing, lastBlockBytes: number): void {
  const { path, row } = leasedFile(files, fileId, clientName);
  const last = row.blocks.at(-1);
  if (last === undefined || lastBlockBytes < 0) return;
  const synced = withLastBlock(row, { ...last, sizeBytes: lastBlockBytes });
  files.namespace.commit(files.namespace.put(path, { ...synced, modifiedAtMs: files.now() }));
}

/** Closes the file. A client that repeats the request, because the answer was lost, gets the same answer. */
export function completeFile(files: Files, { fileId, clientName }: Writing, last: BlockRow | null): boolean {
  const { namespace } = files;
  const completed = namespace.pathOf(fileId);
  const before = completed === undefined ? undefined : namespace.get(completed);
  if (
    before?.kind === 'file' &&
    before.writer === null &&
    last !== null &&
    isSame(before.blocks.at(-1), last)
  ) {
    return true;
  }
  const { path, row } = leasedFile(files, fileId, clientName);
  const known = last === null ? row : withKnownLength(row, last);
  closeFile(files, path, known, null);
  return true;
}

function withKnownLength(row: FileRow, block: BlockRow): FileRow {
  const last = row.blocks.at(-1);
  if (last?.id !== block.id) {
    throw dfsError('ioError', `block ${block.id} is not the last one of file ${row.id}`);
  }
  return withLastBlock(row, { ...last, sizeBytes: block.sizeBytes });
}

function isSame(a: BlockRow | undefined, b: BlockRow): boolean {
  return a?.id === b.id && a.generation === b.generation && a.sizeBytes === b.sizeBytes;
}
