/**
 * Requests that a partition's entries answer. A request is known by its revision: one that gets another
 * revision would be taken up again.
 */
import type { Entry } from '../entry.ts';
import type { JobName, Subject } from '../ids.ts';
import type { Revision } from '../port.ts';
import { partitionOf, requestSubject } from '../subjects.ts';

export class RequestsTakenUp {
  readonly #job: JobName;
  /** By request subject: the last request that was taken up. */
  readonly #last = new Map<Subject, Revision>();

  constructor(job: JobName) {
    this.#job = job;
  }

  /** Revision of the last request of any partition that was taken up; 0 if none was. */
  get last(): Revision {
    return Math.max(0, ...this.#last.values());
  }

  /** Notes an entry of any subject that is not one of requests. */
  note(subject: Subject, { events }: Entry): void {
    const partition = partitionOf(subject);
    if (partition === null) return;
    const requests = requestSubject(this.#job, partition);
    for (const event of events)
      if ('requestId' in event && typeof event.requestId === 'number')
        this.#last.set(requests, Math.max(this.#last.get(requests) ?? 0, event.requestId));
  }

  /** Whether the entry at this revision is a request that was taken up; false in any other subject. */
  has(subject: Subject, revision: Revision): boolean {
    return revision <= (this.#last.get(subject) ?? 0);
  }
}
