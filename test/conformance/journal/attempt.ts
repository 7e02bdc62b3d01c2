/** One attempt to open the JetStream journal, and everything that it tells anybody. */
import { inspect } from 'node:util';
import { openJetstreamJournal, type JetstreamJournalOptions } from '../../../journal/jetstream/journal.ts';
import type { Journal } from '../../../journal/port.ts';

export class Attempt implements AsyncDisposable {
  readonly warnings: string[] = [];
  readonly #end = new AbortController();
  readonly journal: Promise<Journal>;

  constructor(options: Partial<JetstreamJournalOptions>) {
    this.journal = openJetstreamJournal({
      ...{ servers: [], stream: 'TIDEMARK', replicas: 1, mode: 'create', waitForServerMs: 5_000 },
      onWarning: (message) => void this.warnings.push(message),
      signal: this.#end.signal,
      ...options,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    const [opened] = await Promise.allSettled([this.journal]);
    if (opened.status === 'fulfilled') await opened.value.close();
  }

  /** Everything that this attempt has told anybody. */
  async told(): Promise<string> {
    const [opened] = await Promise.allSettled([this.journal]);
    const error = opened.status === 'rejected' ? inspect(opened.reason, { depth: 20, showHidden: true }) : '';
    return `${error}\n${this.warnings.join('\n')}`;
  }
}
