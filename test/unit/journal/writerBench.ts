/** What the writer's tests work on. */
import {
  createMemoryBacking,
  createMemoryJournal,
  type AppendFault,
  type MemoryBacking,
  type MemoryJournal,
  type MemoryJournalOptions,
} from '../../../journal/memory/journal.ts';
import { EMPTY_TAIL, type Tail } from '../../../journal/replay.ts';
import type { SubjectWriter, WriterOptions } from '../../../journal/writer.ts';
import { ManualPacer, replayAll, subjectOf, writerOn } from './fixtures.ts';

export const subject = subjectOf();

/** A journal that meets the given faults, one an append, and the writer of one claim on it. */
export class Bench {
  readonly backing: MemoryBacking;
  readonly journal: MemoryJournal;
  readonly pacer = new ManualPacer();
  readonly retries: { attempt: number; cause: unknown }[] = [];
  faults: (AppendFault | null)[] = [];
  appends = 0;
  readonly sent: Uint8Array[] = [];

  constructor(options: MemoryJournalOptions = {}) {
    this.backing = options.backing ?? createMemoryBacking();
    this.journal = createMemoryJournal({
      backing: this.backing,
      onAppend: (_subject, _expected, bytes) => {
        this.appends += 1;
        this.sent.push(Uint8Array.from(bytes));
        return this.faults.shift() ?? null;
      },
      ...options,
    });
  }

  writer(tail: Tail = EMPTY_TAIL, options: Partial<WriterOptions> = {}): SubjectWriter {
    return writerOn(this.journal, subject, tail, {
      pacer: this.pacer,
      onRetry: (attempt, cause) => void this.retries.push({ attempt, cause }),
      ...options,
    });
  }

  /** Another coordinator on the same journal, without faults. */
  rival(tail: Tail): SubjectWriter {
    return writerOn(createMemoryJournal({ backing: this.backing }), subject, tail, { pacer: this.pacer });
  }

  async seqs(): Promise<number[]> {
    const journal = createMemoryJournal({ backing: this.backing });
    return (await replayAll(journal, subject)).map(({ entry }) => entry.seq);
  }
}
