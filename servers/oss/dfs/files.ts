import { dfsError } from './errors.ts';
import type { Leases } from './leases.ts';
import { type BlockRow, type FileRow, lengthOf, type Namespace } from './namespace.ts';

/** Behaviour that cannot be known without the real service; the test chooses it. */
export type Guesses = {
  /** The length that a recovery finds: what was flushed, or also what was uploaded after that. */
  readonly recoveredLength: 'flushed' | 'uploaded';
  /** Whether a rename onto an existing file replaces it or is refused. */
  readonly renameOntoFile: 'replaces' | 'refuses';
};

export type Files = {
  readonly namespace: Namespace;
  readonly leases: Leases;
  readonly now: () => number;
  readonly guesses: Guesses;
};

/** Set by a fault: the operation answers false and completes only after the delay. */
export type Later = { readonly delayMs: number };

export function fileAt(files: Files, path: string): FileRow {
  const row = files.namespace.get(path);
  if (row === undefined) throw dfsError('fileNotFound', `File does not exist: ${path}`);
  if (row.kind !== 'file') throw dfsError('fileNotFound', `Path is not a file: ${path}`);
  return settled(files, path, row);
}

/**
 * The file's present state: applies recoveries and truncations that are over, and closes it if its lease is
 * beyond the hard limit.
 */
function settled(files: Files, path: string, row: FileRow): FileRow {
  const { pending, writer } = row;
  if (pending !== null && files.now() >= pending.doneAtMs) {
    return closeFile(files, path, row, pending.cutToBytes);
  }
  if (pending === null && writer !== null && files.leases.isBeyondHardLimit(writer.clientName)) {
    return closeFile(files, path, recovered(files, row), null);
  }
  return row;
}

/** Drops empty blocks: none of them is ever handed out again. */
export function closeFile(files: Files, path: string, row: FileRow, cutToBytes: number | null): FileRow {
  const cut = cutToBytes === null ? row : cutTo(row, cutToBytes);
  const blocks = cut.blocks.filter(({ sizeBytes }) => sizeBytes > 0);
  const closed: FileRow = { ...cut, blocks, writer: null, pending: null, modifiedAtMs: files.now() };
  files.namespace.commit(files.namespace.put(path, closed));
  const kept = new Set(closed.blocks.map(({ id }) => id));
  files.namespace.removeData(row.blocks.filter(({ id }) => !kept.has(id)));
  return closed;
}

/** Another writer has to wait for the holder of the lease; it takes the file over if the holder is silent. */
export function expectNoWriter(files: Files, path: string, row: FileRow): FileRow {
  if (row.pending !== null)
    throw dfsError('recoveryInProgress', `File ${path} is being recovered. Try again later.`);
  if (row.writer === null) return row;
  if (files.leases.isBeyondSoftLimit(row.writer.clientName)) {
    return closeFile(files, path, recovered(files, row), null);
  }
  throw dfsError('alreadyBeingCreated', `File ${path} is already being created by ${row.writer.clientName}`);
}

/** The file with that id, wherever it is now. Throws leaseExpired unless the client holds its lease. */
export function leasedFile(files: Files, fileId: number, clientName: string): { path: string; row: FileRow } {
  const path = files.namespace.pathOf(fileId);
  if (path === undefined) throw dfsError('fileNotFound', `No file with id ${fileId} (client ${clientName})`);
  const row = fileAt(files, path);
  if (row.writer?.clientName !== clientName) {
    const holder = row.writer === null ? 'it is closed' : `the lease belongs to ${row.writer.clientName}`;
    throw dfsError('leaseExpired', `No lease on ${path} for client ${clientName}: ${holder}`);
  }
  files.leases.renew(clientName);
  return { path, row };
}

/** True if the file is closed; false if that takes a while. */
export function recoverLease(files: Files, path: string, later: Later | null): boolean {
  const row = fileAt(files, path);
  if (row.pending !== null) return false;
  if (row.writer === null) return true;
  const whole = recovered(files, row);
  if (later === null) {
    closeFile(files, path, whole, null);
    return true;
  }
  const pending = { doneAtMs: files.now() + later.delayMs, cutToBytes: null };
  // The old writer is fenced at once: the server now holds the lease.
  files.namespace.commit(files.namespace.put(path, { ...whole, writer: { clientName: SERVER }, pending }));
  return false;
}

const SERVER = 'the server';

/** True if it is done; false if it takes a while, during which the file is not closed. */
export function truncate(files: Files, path: string, sizeBytes: number, later: Later | null): boolean {
  const row = expectNoWriter(files, path, fileAt(files, path));
  const length = lengthOf(row);
  if (sizeBytes > length) {
    throw dfsError('invalidArgument', `Cannot truncate ${path} to ${sizeBytes}: it has ${length} bytes`);
  }
  if (sizeBytes === length) return true;
  if (later === null) {
    closeFile(files, path, row, sizeBytes);
    return true;
  }
  const pending = { doneAtMs: files.now() + later.delayMs, cutToBytes: sizeBytes };
  files.namespace.commit(files.namespace.put(path, { ...row, writer: { clientName: SERVER }, pending }));
  return false;
}

export function isClosed(files: Files, path: string): boolean {
  const { writer, pending } = fileAt(files, path);
  return writer === null && pending === null;
}

/** With the length that the recovery finds for the last block. */
function recovered({ namespace, guesses }: Files, row: FileRow): FileRow {
  const last = row.blocks.at(-1);
  if (last === undefined || guesses.recoveredLength === 'flushed') return row;
  const sizeBytes = Math.max(last.sizeBytes, namespace.uploadedBytes(last));
  return withLastBlock(row, { ...last, sizeBytes });
}

export function withLastBlock(row: FileRow, block: BlockRow): FileRow {
  return { ...row, blocks: [...row.blocks.slice(0, -1), block] };
}

/** The data of a block that is cut stays as it is: readers use the block's length. */
function cutTo(row: FileRow, sizeBytes: number): FileRow {
  const blocks: BlockRow[] = [];
  let leftBytes = sizeBytes;
  for (const block of row.blocks) {
    if (leftBytes === 0) break;
    const keptBytes = Math.min(leftBytes, block.sizeBytes);
    blocks.push({ ...block, sizeBytes: keptBytes });
    leftBytes -= keptBytes;
  }
  return { ...row, blocks };
}
