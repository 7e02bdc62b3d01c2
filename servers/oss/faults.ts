import type { OssRequest } from './request.ts';

/** How a request fails. */
export type FaultKind =
  /** An error instead of the effect: `status` with OSS's error document. */
  | { readonly type: 'status'; readonly status: number; readonly code?: string }
  /** 403 AccessDenied instead of the effect. */
  | { readonly type: 'accessDenied' }
  /** The connection is cut; there is no effect. */
  | { readonly type: 'cutBefore' }
  /** The effect takes place, then the connection is cut: the reply is lost. */
  | { readonly type: 'cutAfter' }
  /** The effect takes place after a delay. */
  | { readonly type: 'slow'; readonly delayMs: number }
  /** The effect takes place, and the answer states another CRC-64 than that of the bytes. */
  | { readonly type: 'wrongCrc' }
  /** An error of OSS-HDFS instead of the effect: 30013 is an expired lease. */
  | { readonly type: 'dfsError'; readonly errCode: number; readonly message?: string }
  /** truncateFile and recoveryLease answer false and complete later; isFileClosed answers false. */
  | { readonly type: 'answerFalse'; readonly delayMs?: number };

export type Fault = FaultKind & {
  /** As `OssServer.calls` names it: `PutObject`, `UploadPart`, `dfs.addBlock`. Any if not given. */
  readonly operation?: string;
  /** A part of `bucket/key`, or of `bucket/path` for OSS-HDFS. Any if not given. */
  readonly path?: string;
  /** How many matching requests it hits; one if not given. */
  readonly times?: number;
  /** How many matching requests pass first; none if not given. */
  readonly skip?: number;
};

type Armed = { readonly fault: Fault; skip: number; times: number };

/** The faults that still have hits left. */
export class Faults {
  #armed: Armed[] = [];

  arm(fault: Fault): void {
    this.#armed.push({ fault, skip: fault.skip ?? 0, times: fault.times ?? 1 });
  }

  clear(): void {
    this.#armed = [];
  }

  /** How many hits are left. */
  get left(): number {
    return this.#armed.reduce((sum, { times }) => sum + times, 0);
  }

  /** Takes the fault that hits this request and uses up one of its hits. */
  take(operation: string, path: string): Fault | undefined {
    const found = this.#armed.filter(({ fault }) => matches(fault, operation, path));
    const due = found.find((armed) => armed.skip === 0);
    for (const armed of found) if (armed.skip > 0) armed.skip -= 1;
    if (due === undefined) return undefined;
    due.times -= 1;
    if (due.times <= 0) this.#armed = this.#armed.filter((armed) => armed !== due);
    return due.fault;
  }
}

function matches(fault: Fault, operation: string, path: string): boolean {
  return (
    (fault.operation === undefined || fault.operation === operation) &&
    (fault.path === undefined || path.includes(fault.path))
  );
}

export function pathOf({ bucket, key }: OssRequest): string {
  return `${bucket}/${key}`;
}
