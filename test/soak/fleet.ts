/**
 * The coordinators of the soak: processes of the real command, started again when they have ended, and looked
 * at from outside.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, readdirSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';

const BIN = path.resolve(import.meta.dirname, '../../bin/tidemark.js');
const SAMPLE_MS = 5_000;
/** A process that has just begun is still filling its caches. */
const WARM_UP_MS = 30_000;

export interface Sample {
  readonly process: string;
  readonly atMs: number;
  readonly memoryMiB: number;
  readonly handles: number;
}

/** How one process of the fleet ended without being asked to. */
export interface Surprise {
  readonly process: string;
  readonly code: number | null;
  readonly signal: string | null;
  readonly lastLines: readonly string[];
}

interface Member {
  readonly name: string;
  readonly child: ChildProcess;
  readonly startedMs: number;
  isEnding: boolean;
}

export class Fleet {
  readonly samples: Sample[] = [];
  readonly surprises: Surprise[] = [];
  readonly #jobFile: string;
  readonly #logFolder: string;
  readonly #members = new Map<number, Member>();
  readonly #checkpointWatchers = new Set<(partition: string) => void>();
  #lives = 0;
  #sampling: NodeJS.Timeout | null = null;

  constructor(jobFile: string, logFolder: string) {
    this.#jobFile = jobFile;
    this.#logFolder = logFolder;
  }

  get size(): number {
    return this.#members.size;
  }

  start(count: number): void {
    for (let place = 0; place < count; place += 1) this.#begin(place);
    this.#sampling = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  /** Ends all with the signal, lets something be done while none runs, and starts as many again. */
  async replaceAll(signal: NodeJS.Signals, meanwhile: () => Promise<void>): Promise<void> {
    const places = [...this.#members.keys()];
    await Promise.all(places.map((place) => this.#end(place, signal)));
    try {
      await meanwhile();
    } finally {
      for (const place of places) this.#begin(place);
    }
  }

  #begin(place: number): void {
    this.#lives += 1;
    const name = `coordinator-${place}-${this.#lives}`;
    const child = spawn(process.execPath, [BIN, 'run', this.#jobFile, '--log-level', 'debug'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const member: Member = { name, child, startedMs: performance.now(), isEnding: false };
    this.#members.set(place, member);
    const log = createWriteStream(path.join(this.#logFolder, `${name}.log`));
    const lastLines: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => {
      log.write(`${line}\n`);
      if (lastLines.push(line) > 5) lastLines.shift();
      if (line.includes('checkpoint completed')) this.#sawCheckpoint(line);
    });
    child.once('close', (code, signal) => {
      log.end();
      if (!member.isEnding) this.surprises.push({ process: name, code, signal, lastLines });
    });
  }

  /** Ends one with the signal, waits until it is gone, and starts another in its place. */
  async replace(place: number, signal: NodeJS.Signals): Promise<void> {
    await this.#end(place, signal);
    this.#begin(place);
  }

  /** Freezes one; the answer thaws it. */
  freeze(place: number): () => void {
    const child = this.#members.get(place)?.child;
    child?.kill('SIGSTOP');
    return () => void child?.kill('SIGCONT');
  }

  /**
   * Resolves when as many partitions as said have completed a checkpoint since the call, whoever has them.
   */
  checkpointsOf(partitions: number): Promise<void> {
    const seen = new Set<string>();
    return new Promise((resolve) => {
      const watcher = (partition: string): void => {
        if (seen.add(partition).size < partitions) return;
        this.#checkpointWatchers.delete(watcher);
        resolve();
      };
      this.#checkpointWatchers.add(watcher);
    });
  }

  #sawCheckpoint(line: string): void {
    const { partition = '' } = JSON.parse(line) as { partition?: string };
    for (const watcher of this.#checkpointWatchers) watcher(partition);
  }

  /** Asks all to stop. Gives the exit code of each. */
  async stop(): Promise<readonly (number | null)[]> {
    if (this.#sampling !== null) clearInterval(this.#sampling);
    return Promise.all([...this.#members.keys()].map((place) => this.#end(place, 'SIGTERM')));
  }

  killAll(): void {
    if (this.#sampling !== null) clearInterval(this.#sampling);
    for (const member of this.#members.values()) {
      member.isEnding = true;
      member.child.kill('SIGKILL');
    }
  }

  async #end(place: number, signal: NodeJS.Signals): Promise<number | null> {
    const member = this.#members.get(place);
    if (member === undefined) return null;
    member.isEnding = true;
    const { child } = member;
    if (child.exitCode === null && child.signalCode === null) {
      const closed = once(child, 'close');
      child.kill(signal);
      await closed;
    }
    return child.exitCode;
  }

  #sample(): void {
    const nowMs = performance.now();
    for (const { name, child, startedMs } of this.#members.values()) {
      if (child.pid === undefined || child.exitCode !== null || nowMs - startedMs < WARM_UP_MS) continue;
      const seen = lookAt(child.pid);
      if (seen !== null) this.samples.push({ process: name, atMs: Math.round(nowMs), ...seen });
    }
  }
}

/** Null where the process has just ended. */
function lookAt(pid: number): Pick<Sample, 'memoryMiB' | 'handles'> | null {
  try {
    const kib = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
    return { memoryMiB: Math.round(kib / 1024), handles: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return null; // it ended
  }
}
