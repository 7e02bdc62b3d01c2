/**
 * Which entry of a copy gets which sequence of the new stream. It follows from the copy alone, so that every
 * import of it writes the same stream, from wherever the one before was interrupted.
 */
import type { CheckedCopy } from '../backup/checkedCopy.ts';
import type { Subject } from '../ids.ts';
import type { Revision } from '../port.ts';
import { REVISIONS_LEFT_OUT } from './restore.ts';

/** The entries of a subject: `count` of them, from the sequence `first` on. */
export interface PlannedSubject {
  readonly subject: Subject;
  readonly first: Revision;
  readonly count: number;
}

export interface PlannedEntry {
  readonly subject: Subject;
  readonly sequence: Revision;
  readonly bytes: Uint8Array;
}

export class ImportPlan {
  /** The stream's first sequence. */
  readonly first: Revision;
  readonly subjects: readonly PlannedSubject[];
  /** Messages of the whole stream. */
  readonly count: number;
  readonly requestsLeftOut: number;
  readonly #copy: CheckedCopy;

  constructor(copy: CheckedCopy) {
    this.#copy = copy;
    this.first = copy.lastRevision + REVISIONS_LEFT_OUT;
    let next = this.first;
    this.subjects = copy.subjects.map(({ subject, entries, takenUp }) => {
      const planned = { subject, first: next, count: entries - takenUp };
      next += planned.count;
      return planned;
    });
    this.count = next - this.first;
    this.requestsLeftOut = copy.subjects.reduce((sum, { takenUp }) => sum + takenUp, 0);
  }

  /** What the first `count` messages are, by subject. */
  begun(count: number): readonly PlannedSubject[] {
    const end = this.first + count;
    return this.subjects
      .map((planned) => ({ ...planned, count: Math.min(planned.count, end - planned.first) }))
      .filter((planned) => planned.count > 0);
  }

  /**
   * The entries of a subject in batches. A request that was taken up is left out: under its new number, it
   * would be taken up again.
   */
  async *entries({ subject, first }: PlannedSubject): AsyncGenerator<readonly PlannedEntry[]> {
    let sequence = first;
    for await (const batch of this.#copy.read(subject)) {
      const kept = batch.filter(({ revision }) => !this.#copy.isTakenUp(subject, revision));
      yield kept.map(({ bytes }) => ({ subject, sequence: sequence++, bytes }));
    }
  }
}
