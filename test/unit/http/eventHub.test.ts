import { describe, expect, test } from 'vitest';
import type { Subject } from '../../../journal/ids.ts';
import { EventHub, type OfferedEvent } from '../../../src/http/eventHub.ts';

const A = 'job.partition.a.0' as Subject;
const B = 'job.partition.b.0' as Subject;
const bytes = new Uint8Array();

function listening(hub: EventHub): OfferedEvent[] {
  const seen: OfferedEvent[] = [];
  hub.join({ offer: (event) => seen.push(event), end: () => undefined });
  return seen;
}

const appended = (hub: EventHub, subject: Subject, after: number, revision: number): void => {
  hub.ended({ subject, after, bytes }, { type: 'appended', revision });
};

describe('the id of an event', () => {
  test('is its revision while one append is under way', () => {
    const hub = new EventHub();
    const seen = listening(hub);
    hub.begun(A, 7);
    appended(hub, A, 7, 9);
    expect(seen).toMatchObject([{ revision: 9, safeRevision: 9 }]);
  });

  test('stays below appends that are under way, whichever is acknowledged first', () => {
    const hub = new EventHub();
    const seen = listening(hub);
    hub.begun(A, 7);
    hub.begun(B, 5);
    appended(hub, A, 7, 9);
    appended(hub, B, 5, 8);
    expect(seen.map(({ revision, safeRevision }) => [revision, safeRevision])).toEqual([
      [9, 5],
      [8, 9],
    ]);
  });

  test('waits for an append whose answer was lost, until the next one of its partition', () => {
    const hub = new EventHub();
    const seen = listening(hub);
    hub.begun(A, 1);
    hub.ended({ subject: A, after: 1, bytes }, { type: 'unknown', cause: null });
    hub.begun(A, 1);
    hub.ended({ subject: A, after: 1, bytes }, { type: 'conflict', lastRevision: 2 });
    hub.begun(B, 0);
    appended(hub, B, 0, 3);
    hub.begun(A, 2);
    appended(hub, A, 2, 4);
    expect(seen.map(({ safeRevision }) => safeRevision)).toEqual([1, 4]);
  });

  test('does not wait for an append that was refused', () => {
    const hub = new EventHub();
    const seen = listening(hub);
    hub.begun(A, 1);
    hub.ended({ subject: A, after: 1, bytes }, { type: 'refused', retryable: true, cause: null });
    hub.begun(B, 0);
    appended(hub, B, 0, 3);
    expect(seen).toMatchObject([{ safeRevision: 3 }]);
  });
});

test('the end of the hub ends its clients, also those that come later', () => {
  const hub = new EventHub();
  let ended = 0;
  const client = { offer: () => undefined, end: () => void (ended += 1) };
  hub.join(client);
  hub.end();
  hub.join(client);
  expect(ended).toBe(2);
});
