import { describe, expect, test } from 'vitest';
import { claimed, committed, identity, replayAll, subjectOf, writerOn } from '../../unit/journal/fixtures.ts';
import type { MakeWorld } from './world.ts';

const subject = subjectOf();

export function uncertainOutcomes(makeWorld: MakeWorld): void {
  describe('uncertain outcomes', () => {
    test('unknown outcome after a lost acknowledgement: it is found, and is there once', async () => {
      await using world = await makeWorld();
      const { journal, loseNextReply } = await world.openLossy();
      const writer = writerOn(journal, subject);
      await writer.append(identity(), [claimed()]);
      const lost = loseNextReply();
      const outcomes: unknown[] = [];
      const careful = writerOn(journal, subject, writer.tail, {
        onRetry: (_, cause) => outcomes.push(cause),
      });
      const tail = await careful.append(identity(), [committed(1)]);
      await lost;
      expect(outcomes.length).toBeGreaterThan(0);
      await careful.append(identity(), [committed(2)]);
      const replayed = await replayAll(await world.openReader(), subject);
      expect(replayed.flatMap(({ entry }) => entry.events)).toEqual([claimed(), committed(1), committed(2)]);
      expect(replayed[1]?.tail).toEqual(tail);
    });

    test('unknown outcome of the very first append of a subject: it is found as well', async () => {
      await using world = await makeWorld();
      const { journal, loseNextReply } = await world.openLossy();
      const lost = loseNextReply();
      const tail = await writerOn(journal, subject).append(identity(), [claimed()]);
      await lost;
      expect((await replayAll(await world.openReader(), subject)).map((found) => found.tail)).toEqual([tail]);
    });

    test('unknown outcome after a lost request: it is sent again, and is there once', async () => {
      await using world = await makeWorld();
      const { journal, loseNextRequest } = await world.openLossy();
      const writer = writerOn(journal, subject);
      await writer.append(identity(), [claimed()]);
      const lost = loseNextRequest();
      await writer.append(identity(), [committed(1)]);
      await lost;
      await writer.append(identity(), [committed(2)]);
      const replayed = await replayAll(await world.openReader(), subject);
      expect(replayed.flatMap(({ entry }) => entry.events)).toEqual([claimed(), committed(1), committed(2)]);
    });

    test('lost acknowledgement, and another claim behind it: adopted, then fenced', async () => {
      await using world = await makeWorld();
      const { journal, loseNextReply } = await world.openLossy();
      const writer = writerOn(journal, subject);
      await writer.append(identity(1), [claimed(1)]);
      const lost = loseNextReply();
      const appending = writer.append(identity(1), [committed(1)]);
      await lost;
      const tail = await appending;
      await writerOn(await world.openRival(), subject, tail).append(identity(2), [claimed(2)]);
      await expect(writer.append(identity(1), [committed(2)])).rejects.toMatchObject({ code: 'FENCED' });
    });

    test('a server restart in the middle: what was acknowledged is there, in an unbroken chain', async () => {
      await using world = await makeWorld();
      const acknowledged = await world.appendThroughCrash(subject);
      expect(acknowledged.length).toBeGreaterThanOrEqual(2);
      const journal = await world.open();
      const replayed = await replayAll(journal, subject);
      const tails = replayed.map(({ tail }) => tail);
      for (const tail of acknowledged) expect(tails).toContainEqual(tail);
      // At most one append was on its way when the process died.
      expect(tails.length - acknowledged.length).toBeLessThanOrEqual(1);
      const next = await writerOn(journal, subject, tails.at(-1)).append(identity(9), [claimed(9)]);
      expect(next.seq).toBe(tails.length + 1);
    });
  });
}
