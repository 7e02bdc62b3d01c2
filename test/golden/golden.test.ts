import { describe, expect, it } from 'vitest';
import { ENTRY_VERSION, FORMAT_OF_MOST } from '../../journal/entryFormats.ts';
import { journalEventSchema } from '../../journal/events.ts';
import type { Subject } from '../../journal/ids.ts';
import { goldenJournals, replayEntries } from './goldenFile.ts';
import { NOT_RECORDED } from './notRecorded.ts';

const GOLDEN = goldenJournals();
const SUBJECTS = GOLDEN.flatMap(({ name, subjects }) =>
  [...subjects].map(([subject, { entries, states }]) => ({ name, subject, entries, states })),
);

describe('golden journals', () => {
  it.each(SUBJECTS)('$name: $subject means what it meant', async ({ subject, entries, states }) => {
    const replayed = await replayEntries(subject as Subject, entries);
    expect(states.at(-1)?.after).toBe(entries.length);
    // A later version may know more of a state, never less.
    for (const { after, state } of states) expect(replayed.states[after - 1]).toMatchObject(state as object);
  });

  // The order of an object's keys is the writer's: hashes are over what is stored, which is never written
  // again.
  it.each(SUBJECTS)(
    '$name: $subject says the same when it is written again',
    async ({ subject, entries }) => {
      const { encoded } = await replayEntries(subject as Subject, entries);
      const stored = entries.map((entry) => JSON.parse(entry) as { v: number });
      // Format 3 only adds to format 2.
      const isOfToday = stored.every(({ v }) => v >= FORMAT_OF_MOST);
      const expected = stored.map((entry) => ({ ...entry, v: ENTRY_VERSION }));
      if (isOfToday) expect(encoded.map((entry) => JSON.parse(entry) as unknown)).toEqual(expected);
    },
  );

  it('every type of event is in one of them', async () => {
    const found = new Set<string>();
    for (const { subject, entries } of SUBJECTS)
      for (const { type } of (await replayEntries(subject as Subject, entries)).events) found.add(type);
    const known = journalEventSchema.options.map(({ shape }) => shape.type.value);
    expect(known.filter((type) => !found.has(type))).toEqual(NOT_RECORDED);
  });

  it('a changed byte is found', async () => {
    const [first] = SUBJECTS.filter(({ entries }) => entries.length > 2);
    const [claim = '', ...rest] = first!.entries;
    const changed = [claim.replace('"at":"2', '"at":"3'), ...rest];
    await expect(replayEntries(first!.subject as Subject, changed)).rejects.toMatchObject({
      code: 'JOURNAL_CORRUPT',
    });
  });
});
