/** An executor with several threads: this file is both the pool and the code of its threads. */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { LAG } from './draw/corpus.ts';
import { runRequest, type Executor, type RunRequest, type RunSummary } from './executor.ts';
import { runWorld } from './world.ts';

/** Identifies threads of the pool; the tests' own threads are not ours. */
const ROLE = 'tidemark fuzz';
/** Requests under way for each thread, so that a long schedule in one does not delay the others. */
const QUEUED = 16;
/** Size of the young generation, in MiB: a world creates many short-lived objects. */
const YOUNG_MIB = 64;

type Reply =
  | { readonly type: 'done'; readonly id: number; readonly summary: RunSummary }
  | { readonly type: 'failed'; readonly id: number; readonly message: string };

interface Waiting {
  readonly worker: Busy;
  readonly resolve: (summary: RunSummary) => void;
  readonly reject: (error: Error) => void;
}

interface Busy {
  readonly worker: Worker;
  requests: number;
}

export class WorkerPool implements Executor {
  readonly #workers: readonly Busy[];
  readonly #waiting = new Map<number, Waiting>();
  #requests = 0;

  constructor(threads: number) {
    this.#workers = Array.from({ length: threads }, () => this.#startWorker());
  }

  get width(): number {
    return Math.min(LAG, this.#workers.length * QUEUED);
  }

  run(request: RunRequest): Promise<RunSummary> {
    const id = this.#requests;
    this.#requests += 1;
    return new Promise((resolve, reject) => {
      const worker = this.#workers.reduce((least, other) =>
        other.requests < least.requests ? other : least,
      );
      worker.requests += 1;
      this.#waiting.set(id, { worker, resolve, reject });
      worker.worker.postMessage({ id, request });
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map(({ worker }) => worker.terminate()));
  }

  #startWorker(): Busy {
    const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MIB };
    const worker = new Worker(new URL(import.meta.url), { workerData: ROLE, resourceLimits });
    worker.on('message', (reply: Reply) => {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if (waiting !== undefined) waiting.worker.requests -= 1;
      if (reply.type === 'done') waiting?.resolve(reply.summary);
      else waiting?.reject(new Error(reply.message));
    });
    worker.on('error', (error) => {
      for (const { reject } of this.#waiting.values()) reject(error as Error);
      this.#waiting.clear();
    });
    return { worker, requests: 0 };
  }
}

/** One request after the other: a world needs its thread alone. */
function serve(port: NonNullable<typeof parentPort>): void {
  let before: Promise<void> = Promise.resolve();
  port.on('message', ({ id, request }: { readonly id: number; readonly request: RunRequest }) => {
    before = before.then(async () => {
      port.postMessage(await reply(id, request));
    });
  });
}

async function reply(id: number, request: RunRequest): Promise<Reply> {
  try {
    return { type: 'done', id, summary: await runRequest(runWorld, request) };
  } catch (error) {
    return {
      type: 'failed',
      id,
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    };
  }
}

if (!isMainThread && parentPort !== null && workerData === ROLE) serve(parentPort);
