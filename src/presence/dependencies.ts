/** The last answer of each dependency, and since when it is the same. Observed at the calls of the ports. */
import type { Clock } from '../system/clock.ts';
import { TidemarkError } from '../../journal/errors.ts';
import type { DependencyAnswer, DependencyName, PresenceRecord } from './record.ts';

export class DependencyWatch {
  readonly #clock: Pick<Clock, 'wallMs'>;
  readonly #answers: Record<DependencyName, DependencyAnswer>;

  constructor(clock: Pick<Clock, 'wallMs'>) {
    this.#clock = clock;
    const nowMs = clock.wallMs();
    const none: DependencyAnswer = {
      state: 'unknown',
      ...{ sinceMs: nowMs, atMs: nowMs, code: null, message: null },
    };
    this.#answers = { source: none, journal: none, destination: none };
  }

  get answers(): PresenceRecord['dependencies'] {
    return { ...this.#answers };
  }

  answered(name: DependencyName): void {
    this.#note(name, { state: 'ok', code: null, message: null });
  }

  failed(name: DependencyName, error: unknown): void {
    const code = error instanceof TidemarkError ? error.code : null;
    const message = error instanceof Error ? error.message : String(error);
    this.#note(name, { state: 'error', code, message });
  }

  /** Records the error that ended an epoch. Its code names the dependency. */
  blamed(error: TidemarkError): void {
    const name = ownerOf(error.code);
    if (name !== null) this.failed(name, error);
  }

  #note(name: DependencyName, answer: Pick<DependencyAnswer, 'state' | 'code' | 'message'>): void {
    const before = this.#answers[name];
    const isSame = before.state === answer.state && before.code === answer.code;
    const atMs = this.#clock.wallMs();
    this.#answers[name] = { ...answer, atMs, sinceMs: isSame ? before.sinceMs : atMs };
  }
}

function ownerOf(code: string): DependencyName | null {
  if (code.startsWith('STORE_')) return 'destination';
  if (code.startsWith('JOURNAL_')) return 'journal';
  return code.startsWith('SOURCE_') ? 'source' : null;
}

/** Only these failures mean that a dependency does not answer. A missing file, for example, is an answer. */
function isAway(error: unknown): boolean {
  if (error instanceof TidemarkError) return error.retry === 'transient' && error.code !== 'STORE_EXISTS';
  return !(error instanceof Error && error.name === 'AbortError');
}

/** How a call has ended: what it gave, or nothing if it failed. */
export type CallEnd = { readonly type: 'gave'; readonly value: unknown } | { readonly type: 'failed' };

/** Told of a call when it begins. What it returns, if anything, is told of its end. Must not throw. */
export type OnCall = (operation: string, args: readonly unknown[]) => ((end: CallEnd) => void) | null;

/**
 * Wraps a port and records the outcome of its calls. Callers notice nothing: they get the promise that the
 * port returned.
 */
export function watched<T extends object>(
  port: T,
  name: DependencyName,
  watch: DependencyWatch,
  onCall: OnCall = () => null,
): T {
  const settled = (outcome: unknown): void => {
    const failure = failureOf(outcome);
    if (failure === null) watch.answered(name);
    else watch.failed(name, failure.cause);
  };
  const failed = (error: unknown): void => {
    if (isAway(error)) watch.failed(name, error);
  };
  // Batches come all the time, also from a journal that takes no entries: they end their own failures only.
  let isReadFailing = false;
  const read = (): void => {
    if (isReadFailing) watch.answered(name);
    isReadFailing = false;
  };
  const notRead = (error: unknown): void => {
    isReadFailing ||= isAway(error);
    failed(error);
  };
  return new Proxy(port, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== 'function') return member;
      return (...args: readonly unknown[]): unknown => {
        const onEnd = onCall(String(key), args);
        const result: unknown = Reflect.apply(member, target, args);
        if (result instanceof Promise)
          result.then(
            (value: unknown) => {
              settled(value);
              onEnd?.({ type: 'gave', value });
            },
            (error: unknown) => {
              failed(error);
              onEnd?.({ type: 'failed' });
            },
          );
        if (key === 'session' && typeof result === 'object' && result !== null)
          return watched(result, name, watch, onCall);
        return isAsyncIterable(result) ? watchedBatches(result, read, notRead) : result;
      };
    },
  });
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/** What reads batch by batch answers with each of them. The reader gets the promises of the port itself. */
function watchedBatches(
  batches: AsyncIterable<unknown>,
  read: () => void,
  failed: (error: unknown) => void,
): AsyncIterable<unknown> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = batches[Symbol.asyncIterator]();
      const next = (): Promise<IteratorResult<unknown>> => {
        const result = iterator.next();
        result.then(read, failed);
        return result;
      };
      const end = iterator.return?.bind(iterator);
      return end === undefined ? { next } : { next, return: end };
    },
  };
}

/** An append reports an unavailable journal by its outcome. */
function failureOf(outcome: unknown): { readonly cause: unknown } | null {
  if (typeof outcome !== 'object' || outcome === null || !('type' in outcome)) return null;
  const isFailed = outcome.type === 'unknown' || outcome.type === 'refused';
  return isFailed && 'cause' in outcome ? { cause: outcome.cause } : null;
}
