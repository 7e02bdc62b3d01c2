/** Codes of OSS-HDFS on the wire. */
export const DFS_ERROR = {
  fileNotFound: 30001,
  invalidArgument: 30004,
  ioError: 30005,
  invalidPath: 30007,
  leaseExpired: 30013,
  unsupportedOperation: 30014,
  alreadyBeingCreated: 30015,
  recoveryInProgress: 30016,
  accessControl: 30018,
  parentNotDirectory: 30020,
  fileAlreadyExists: 30026,
  notEmptyDirectory: 30028,
} as const;

/** Ends a request of OSS-HDFS with an error: the HTTP status is 200, the document has the reason. */
export class DfsError extends Error {
  override name = 'DfsError';
  readonly errCode: number;

  constructor(errCode: number, message: string) {
    super(message);
    this.errCode = errCode;
  }
}

export function dfsError(kind: keyof typeof DFS_ERROR, message: string): DfsError {
  return new DfsError(DFS_ERROR[kind], message);
}
