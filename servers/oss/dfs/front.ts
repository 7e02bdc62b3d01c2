import { type Answer, xmlAnswer } from '../answer.ts';
import { textOf, childOf, type XmlContent, type XmlElement } from '../xml.ts';
import { type DfsError, dfsError } from './errors.ts';
import { type Files, fileAt, isClosed, type Later, recoverLease, truncate } from './files.ts';
import { type BlockRow, type InodeRow, lengthOf } from './namespace.ts';
import { listing, makeFolders, remove, rename, setAttributes, summary } from './tree.ts';
import {
  abandonBlock,
  addBlock,
  appendFile,
  completeFile,
  createFile,
  fsyncFile,
  type Writing,
} from './writing.ts';

/** A parsed request of OSS-HDFS. */
export type DfsRequest = {
  /** As on the wire: `createFile`. */
  readonly type: string;
  readonly user: string;
  readonly parameters: Parameters;
};

export function readDfsRequest(root: XmlElement): DfsRequest {
  return {
    type: textOf(root, 'requestType') ?? '',
    user: textOf(root, 'user') ?? 'root',
    parameters: new Parameters(childOf(root, 'parameters')),
  };
}

/** The path that a request refers to. */
export function dfsPathOf({ parameters }: DfsRequest): string {
  return (
    ['path', 'source', 'src'].map((name) => parameters.optionalPath(name)).find((path) => path !== null) ?? ''
  );
}

class Parameters {
  readonly #element: XmlElement | undefined;

  constructor(element: XmlElement | undefined) {
    this.#element = element;
  }

  text(name: string): string {
    return textOf(this.#element, name) ?? '';
  }

  number(name: string, otherwise = 0): number {
    const text = this.text(name);
    return text === '' ? otherwise : Number(text);
  }

  flag(name: string): boolean {
    return this.text(name) === 'true';
  }

  /** Percent-encoded on the wire; returned as `/a/b`, without a trailing slash. */
  path(name = 'path'): string {
    const path = this.optionalPath(name);
    if (path === null) throw dfsError('invalidPath', `${name} is missing`);
    return path;
  }

  optionalPath(name: string): string | null {
    const text = textOf(this.#element, name);
    if (text === undefined) return null;
    const path = decodeURIComponent(text).replace(/\/+/g, '/');
    return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  }

  block(name: string): BlockRow | null {
    const element = childOf(this.#element, name);
    if (element === undefined) return null;
    return {
      id: Number(textOf(element, 'blockId')),
      generation: Number(textOf(element, 'generationStamp')),
      sizeBytes: Number(textOf(element, 'numBytes')),
    };
  }

  writing(): Writing {
    return { fileId: this.number('fileId'), clientName: this.text('clientName') };
  }
}

type Handler = (files: Files, request: DfsRequest, later: Later | null) => XmlContent;

const handlers: Readonly<Record<string, Handler>> = {
  createFile: (files, { parameters, user }) => {
    const path = parameters.path();
    const row = createFile(files, {
      path,
      clientName: parameters.text('clientName'),
      flag: parameters.number('flag'),
      createParent: parameters.flag('createParent'),
      permission: parameters.number('permission', 0o644),
      blockSizeBytes: parameters.number('blockSize'),
      replication: parameters.number('replication', 1),
      owner: user,
    });
    return { status: statusXml(path, row) };
  },
  appendFile: (files, { parameters }) => {
    const path = parameters.path();
    return { status: statusXml(path, appendFile(files, path, parameters.text('clientName'))) };
  },
  addBlock: (files, { parameters }) => {
    const { block, startByte } = addBlock(files, parameters.writing(), parameters.block('previous'));
    return blockXml(block, startByte);
  },
  abandonBlock: (files, { parameters }) => {
    const block = parameters.block('b');
    if (block === null) throw dfsError('invalidArgument', 'b is missing');
    abandonBlock(files, parameters.writing(), block);
    return { result: true };
  },
  fsyncFile: (files, { parameters }) => {
    fsyncFile(files, parameters.writing(), parameters.number('lastBlockLength', -1));
    return { result: true };
  },
  completeFile: (files, { parameters }) => ({
    result: completeFile(files, parameters.writing(), parameters.block('lastBlock')),
  }),
  renewLease: (files, { parameters }) => {
    files.leases.renew(parameters.text('clientName'));
    return { result: true };
  },
  recoveryLease: (files, { parameters }, later) => ({
    result: recoverLease(files, parameters.path(), later),
  }),
  isFileClosed: (files, { parameters }, later) => ({
    result: isClosed(files, parameters.path()) && later === null,
  }),
  truncateFile: (files, { parameters }, later) => ({
    result: true,
    truncateResult: truncate(files, parameters.path(), parameters.number('size'), later),
  }),
  getFileInfo: (files, { parameters }) => ({
    status: statusXml(parameters.path(), inodeAt(files, parameters.path())),
  }),
  getListing: (files, { parameters }) => {
    const marker = decodeURIComponent(parameters.text('marker'));
    const { rows, isTruncated } = listing(files, parameters.path(), marker, parameters.number('maxkeys', -1));
    return {
      nextMarker: isTruncated ? encodeURIComponent(rows.at(-1)?.[0] ?? '') : '',
      isTruncated,
      fileStatuses: { status: rows.map(([name, row]) => statusXml(name, row)) },
    };
  },
  getBlockLocations: (files, { parameters }) => locationsXml(files, parameters.path()),
  getContentSummary: (files, { parameters }) => ({ summary: summary(files, parameters.path()) }),
  mkdirs: (files, { parameters, user }) => {
    const path = parameters.path();
    if (!parameters.flag('createParent')) files.namespace.expectParent(path);
    makeFolders(files, path, { permission: parameters.number('permission', 0o755), owner: user });
    return { result: true };
  },
  rename: (files, { parameters }) => ({
    result: rename(files, parameters.path('source'), parameters.path('destination')),
  }),
  remove: (files, { parameters }) => ({
    result: remove(files, parameters.path(), parameters.flag('recursive')),
  }),
  setPermission: (files, { parameters }) => {
    setAttributes(files, parameters.path(), { permission: parameters.number('permission') });
    return { result: true };
  },
  setOwner: (files, { parameters }) => {
    const owner = parameters.text('user');
    const group = parameters.text('group');
    const given = { ...(owner === '' ? {} : { owner }), ...(group === '' ? {} : { group }) };
    setAttributes(files, parameters.path(), given);
    return { result: true };
  },
  setTimes: (files, { parameters }) => {
    const modifiedAtMs = parameters.number('mtime', -1);
    const accessedAtMs = parameters.number('atime', -1);
    setAttributes(files, parameters.path(), {
      ...(modifiedAtMs < 0 ? {} : { modifiedAtMs }),
      ...(accessedAtMs < 0 ? {} : { accessedAtMs }),
    });
    return { result: true };
  },
};

export function answerDfs(files: Files, request: DfsRequest, later: Later | null): Answer {
  const handler = handlers[request.type];
  if (handler === undefined) throw dfsError('unsupportedOperation', `${request.type} is not supported`);
  return xmlAnswer('response', handler(files, request, later));
}

export function dfsErrorAnswer({ errCode, message }: DfsError): Answer {
  return xmlAnswer('response', { errCode, errMsg: encodeURIComponent(message) });
}

function inodeAt(files: Files, path: string): InodeRow {
  const row = files.namespace.get(path);
  if (row === undefined) throw dfsError('fileNotFound', `File does not exist: ${path}`);
  return row.kind === 'file' ? fileAt(files, path) : row;
}

function locationsXml(files: Files, path: string): XmlContent {
  const row = fileAt(files, path);
  let startByte = 0;
  const blocks = row.blocks.map((block) => {
    const xml = blockXml(block, startByte);
    startByte += block.sizeBytes;
    return xml;
  });
  return {
    fileLength: lengthOf(row),
    underConstruction: row.writer !== null,
    isLastBlockComplete: row.writer === null,
    fileId: row.id,
    blocks: { block: blocks },
    lastBlock: blocks.at(-1),
  };
}

function blockXml({ id, generation, sizeBytes }: BlockRow, startByte: number): XmlContent {
  return {
    extendedBlock: {
      poolId: 'pool',
      blockId: id,
      generationStamp: generation,
      numBytes: sizeBytes,
      backendType: 1,
      backendLocation: '.dlsdata',
    },
    offset: startByte,
    corrupt: false,
  };
}

function statusXml(path: string, row: InodeRow): XmlContent {
  return {
    fileId: row.id,
    path: encodeURIComponent(path),
    length: lengthOf(row),
    isDir: row.kind === 'directory',
    permission: row.permission,
    owner: row.owner,
    ownerGroup: row.group,
    mtime: row.modifiedAtMs,
    atime: row.accessedAtMs,
    storagePolicy: 0,
    fsState: 0,
    storageState: 0,
    childNum: 0,
    blockSize: row.kind === 'file' ? row.blockSizeBytes : 0,
    replication: row.kind === 'file' ? row.replication : 0,
    backendLocation: '.dlsdata',
  };
}
