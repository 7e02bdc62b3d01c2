/** Collects what a run leaves, while it happens, and knows whether everything is committed that should be. */
import { TidemarkError } from '../journal/errors.ts';
import type { Subject } from '../journal/ids.ts';
import type { StoredEntry } from '../journal/port.ts';
import type { Failpoint, FailpointSide } from '../src/system/failpoints.ts';
import type { Log } from '../src/telemetry/log.ts';
import type { SimProcess } from './process.ts';
import type {
  Alarm,
  Happening,
  ProcessExit,
  RunTrace,
  TracedEntry,
  TracedStop,
  VisibleChange,
} from './schedule.ts';
import type { Scheduler } from './scheduler.ts';

export interface RecorderOptions {
  /** How many records a complete run commits. */
  readonly recordsExpected: number;
  /** Also every failpoint that is passed, and every log line of the processes. */
  readonly keepEverything: boolean;
  readonly leftovers: () => readonly string[];
}

/** Events that end a stop. */
const ANSWERS = [
  'resumeRequested',
  'lossAccepted',
  'logTruncationAccepted',
  'witnessAnswered',
  'partitionRewound',
  'partitionRetired',
] as const;

const decoder = new TextDecoder();

export class Recorder {
  readonly journal: TracedEntry[] = [];
  readonly visible: VisibleChange[] = [];
  readonly happenings: Happening[] = [];
  readonly exits: ProcessExit[] = [];
  readonly stopped: TracedStop[] = [];
  readonly alarms: Alarm[] = [];
  readonly lent: RunTrace['lent'][number][] = [];
  readonly failpointHits: Record<string, number> = {};
  readonly #scheduler: Scheduler;
  readonly #options: RecorderOptions;
  #recordsVisible = 0;
  #isSingly = false;
  readonly #linesVisible = new Map<string, number>();
  /** Part files that the journal has opened and neither committed nor discarded. */
  #partsLeft = 0;
  /** Why partitions have stopped, by number, until an operator decides. */
  readonly stops = new Map<number, string | null>();
  /** What the last refusal of an operator's request said, by partition number. */
  readonly refusals = new Map<number, string>();
  /** Changes with everything that may make the run complete. */
  version = 0;

  constructor(scheduler: Scheduler, options: RecorderOptions) {
    this.#scheduler = scheduler;
    this.#options = options;
  }

  /**
   * Every record is visible, every part file's life is journaled to its end, and nothing temporary is left.
   */
  get isComplete(): boolean {
    return (
      !this.#isSingly &&
      this.#recordsVisible >= this.#options.recordsExpected &&
      this.#partsLeft === 0 &&
      this.#options.leftovers().length === 0
    );
  }

  stored(subject: Subject, { revision, bytes }: StoredEntry): void {
    const text = decoder.decode(bytes);
    this.journal.push({ subject, revision, atMs: this.#scheduler.nowMs, text });
    this.#partsLeft += partsOpened(text);
    this.version += 1;
    if (ANSWERS.some((type) => text.includes(`"type":"${type}"`)))
      this.stops.delete(Number(subject.slice(subject.lastIndexOf('.') + 1)));
  }

  /** Completeness must be checked record by record. */
  countsSingly(): void {
    this.#isSingly = true;
  }

  /** The journal has lost its entries after this revision. */
  journalCut(revision: number): void {
    const kept = this.journal.filter((entry) => entry.revision <= revision);
    this.journal.splice(0, this.journal.length, ...kept);
    this.#partsLeft = kept.reduce((sum, { text }) => sum + partsOpened(text), 0);
    this.version += 1;
  }

  /** Whether a journaled start names the topic. */
  names(topic: string): boolean {
    return this.journal.some(
      ({ subject, text }) => subject.endsWith('.job.life') && text.includes(`"topic":"${topic}"`),
    );
  }

  changed(change: VisibleChange): void {
    this.visible.push(change);
    this.version += 1;
    if (change.type === 'taken') return;
    const lines = count(change.content ?? '', '\n');
    this.#recordsVisible += lines - (this.#linesVisible.get(change.uri) ?? 0);
    this.#linesVisible.set(change.uri, lines);
  }

  passed(process: SimProcess, point: Failpoint, side: FailpointSide): void {
    const key = `${point}:${side}`;
    this.failpointHits[key] = (this.failpointHits[key] ?? 0) + 1;
    if (this.#options.keepEverything) this.tell(process, `passes ${side} ${point}`);
  }

  tell(process: SimProcess | null, what: string): void {
    this.happenings.push({ atMs: this.#scheduler.nowMs, process: process?.name ?? '', what });
  }

  exited(process: SimProcess, error: ProcessExit['error']): void {
    this.exits.push({ process: process.name, atMs: this.#scheduler.nowMs, error });
    this.tell(process, error === null ? 'ends' : `ends: ${error.message}`);
  }

  #noteRefusal(process: SimProcess, fields: object): void {
    if (process.dead || !('reason' in fields) || !('requestId' in fields) || !('partition' in fields)) return;
    this.refusals.set(numberOf(String(fields.partition)), String(fields.reason));
  }

  /** The log of a process: errors are always kept. */
  logOf(process: SimProcess): Log {
    const line =
      (level: string) =>
      (fields: object, message: string): void => {
        if (!process.dead) this.tell(process, `${level}: ${message} ${fieldsText(fields)}`);
      };
    const kept = this.#options.keepEverything ? line : () => ignore;
    const log: Log = {
      debug: kept('debug'),
      info: kept('info'),
      warn: (fields, message) => {
        this.#noteRefusal(process, fields);
        kept('warn')(fields, message);
      },
      error: (fields, message) => {
        line('error')(fields, message);
        if (process.dead) return;
        const facts = errorFacts(fields);
        this.alarms.push({ process: process.name, message, ...facts });
        if ('partition' in fields && typeof fields.partition === 'string') {
          this.stops.set(numberOf(fields.partition), facts.code);
          this.version += 1;
        }
      },
      child: () => log,
    };
    return log;
  }
}

function numberOf(partition: string): number {
  return Number(partition.slice(partition.lastIndexOf('/') + 1));
}

function ignore(): void {
  return undefined;
}

function partsOpened(text: string): number {
  return (
    count(text, '"type":"partOpened"') -
    count(text, '"type":"partCommitted"') -
    count(text, '"type":"partDiscarded"')
  );
}

function count(text: string, what: string): number {
  let found = 0;
  for (let at = text.indexOf(what); at >= 0; at = text.indexOf(what, at + what.length)) found += 1;
  return found;
}

/** The code and the message of an error in a line's fields. */
function errorFacts(fields: object): { readonly code: string | null; readonly detail: string } {
  const error = 'err' in fields ? fields.err : null;
  const told = 'code' in fields && typeof fields.code === 'string' ? fields.code : null;
  const code = error instanceof TidemarkError ? error.code : told;
  return { code, detail: error instanceof Error ? error.message : fieldsText(fields) };
}

function fieldsText(fields: object): string {
  return JSON.stringify(fields, (_key, value: unknown) => {
    if (typeof value === 'bigint') return value.toString();
    if (value instanceof TidemarkError) return `${value.code}: ${value.message}`;
    return value instanceof Error ? value.message : value;
  });
}
