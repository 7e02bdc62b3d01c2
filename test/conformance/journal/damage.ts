import { describe, expect, test } from 'vitest';
import type { JournalEvent } from '../../../journal/events.ts';
import { crc64Hex, partId, type Subject } from '../../../journal/ids.ts';
import type { Journal } from '../../../journal/port.ts';
import { EMPTY_TAIL, replay } from '../../../journal/replay.ts';
import { WitnessWatch, type Witness, type WitnessVerdict } from '../../../journal/witness.ts';
import {
  chain,
  claimed,
  flipBit,
  identity,
  JOB,
  replayAll,
  subjectOf,
  writerOn,
} from '../../unit/journal/fixtures.ts';
import type { MakeWorld } from './world.ts';

const subject = subjectOf();

export function damage(makeWorld: MakeWorld): void {
  describe('damage is found', () => {
    test('a hole stops the replay at the entry behind it', async () => {
      await using world = await makeWorld();
      const journal = await world.open();
      await world.store(subject, chain(6).toSpliced(3, 1));
      const seen: number[] = [];
      const replaying = async (): Promise<void> => {
        for await (const { entry } of replay(journal, subject)) seen.push(entry.seq);
      };
      await expect(replaying()).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT', retry: 'operator' });
      expect(seen).toEqual([1, 2, 3]);
    });

    test('a flipped bit stops the replay, wherever it is', async () => {
      await using world = await makeWorld();
      const journal = await world.open();
      const sound = chain(4);
      const length = sound[1]?.byteLength ?? 0;
      for (const [index, at] of [0, 20, Math.floor(length / 2), length - 20, length - 1].entries()) {
        const flipped = sound.with(1, flipBit(sound[1] ?? new Uint8Array(), at));
        await world.store(subjectOf('flipped', index), flipped);
        await expect(replayAll(journal, subjectOf('flipped', index))).rejects.toMatchObject({
          code: 'JOURNAL_CORRUPT',
        });
      }
      await world.store(subject, sound);
      expect(await replayAll(journal, subject)).toHaveLength(4);
    });

    test('checkpoint parts that no completion counts are replayed unchanged, to be voided', async () => {
      await using world = await makeWorld();
      const writer = writerOn(await world.open(), subject);
      const events: JournalEvent[][] = [
        [claimed()],
        [checkpointPart(1, 0)],
        [checkpointPart(1, 1)],
        [claimed(2)],
        [checkpointPart(2, 0)],
      ];
      for (const [index, written] of events.entries()) {
        await writer.append(identity(index < 3 ? 1 : 2), written);
      }
      const replayed = await replayAll(await world.openReader(), subject);
      expect(replayed.map(({ entry }) => entry.events)).toEqual(events);
    });

    test('a journal behind its witness, another one, and one that grew anew are distinguished', async () => {
      await using world = await makeWorld();
      const journal = await world.open();
      const entries = chain(5);
      await world.store(subject, entries);
      const replayed = await replayAll(journal, subject);
      const witness: Witness = {
        job: JOB,
        journalId: journal.id,
        seq: 5,
        hash: replayed[4]?.tail.hash ?? EMPTY_TAIL.hash,
        nextOffset: 5n,
      };
      expect(await judge(journal, subject, witness)).toBe('agrees');
      const rolledBack = subjectOf('rolled-back');
      await world.store(rolledBack, entries.slice(0, 3));
      expect(await judge(journal, rolledBack, witness)).toBe('journal-behind');
      const regrown = subjectOf('regrown');
      await world.store(
        regrown,
        chain(6, (entry) => (entry.seq > 3 ? { ...entry, at: 'anew' } : entry)),
      );
      expect(await judge(journal, regrown, witness)).toBe('hash-differs');
      expect(await judge(journal, subject, null)).toBe('absent');
      await world.recreate();
      const recreated = await world.open();
      await world.store(subject, entries);
      expect(await judge(recreated, subject, witness)).toBe('other-journal');
    });
  });
}

async function judge(journal: Journal, of: Subject, witness: Witness | null): Promise<WitnessVerdict> {
  const watch = new WitnessWatch(witness, { job: JOB, journalId: journal.id });
  for await (const { tail } of replay(journal, of)) watch.see(tail);
  return watch.verdict();
}

function checkpointPart(checkpoint: number, index: number): JournalEvent {
  return {
    ...{ type: 'checkpointPart', checkpoint, index },
    parts: [
      {
        ...{ partId: partId(String(index).repeat(32)), state: 'inProgress', length: 7, records: 1 },
        ...{ firstOffset: 1n, lastOffset: 2n ** 62n, crc64: crc64Hex('0'.repeat(16)) },
        ...{ handle: { uploadId: 'x', etags: ['1', '2'] }, roll: null },
      },
    ],
  };
}
