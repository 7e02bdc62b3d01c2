/** What every presence board keeps to. */
import { describe, expect, test } from 'vitest';
import { jobName } from '../../../journal/ids.ts';
import type { PresenceBoard } from '../../../journal/presence.ts';

export interface PresenceWorld extends AsyncDisposable {
  /** A process's view of the same place. */
  open(): Promise<PresenceBoard>;
  /** `one`: an embedded journal has one owner, and so one record. */
  readonly coordinators: 'one' | 'many';
}

const JOB = jobName('clicks-of-may');
const first = { job: JOB, coordinatorId: 'a'.repeat(32) };
const second = { job: JOB, coordinatorId: 'b'.repeat(32) };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function textsOf(board: PresenceBoard, job = JOB): Promise<string[]> {
  return (await board.read(job)).map((record) => new TextDecoder().decode(record.bytes)).sort();
}

export function presenceConformance(makeWorld: () => Promise<PresenceWorld>): void {
  describe('presence', () => {
    test('there is none where none was ever kept', async () => {
      await using world = await makeWorld();
      expect(await (await world.open()).read(JOB)).toEqual([]);
    });

    test('what was kept is there for others, and the newest counts', async () => {
      await using world = await makeWorld();
      const board = await world.open();
      const reader = await world.open();
      await board.keep(first, bytes('one\nwith two lines'));
      expect(await textsOf(reader)).toEqual(['one\nwith two lines']);
      await board.keep(first, bytes('two'));
      expect(await textsOf(reader)).toEqual(['two']);
      const [{ ageMs } = { ageMs: -1 }] = await reader.read(JOB);
      expect(ageMs).toBeGreaterThanOrEqual(0);
      expect(ageMs).toBeLessThan(30_000);
    });

    test('what was removed is gone, again and again', async () => {
      await using world = await makeWorld();
      const board = await world.open();
      await board.remove(first);
      await board.keep(first, bytes('one'));
      await board.remove(first);
      await board.remove(first);
      expect(await textsOf(await world.open())).toEqual([]);
    });

    test('each coordinator has its own, and removes no other', async () => {
      await using world = await makeWorld();
      const [one, other] = [await world.open(), await world.open()];
      await one.keep(first, bytes('one'));
      await other.keep(second, bytes('other'));
      expect(await textsOf(one)).toEqual(world.coordinators === 'many' ? ['one', 'other'] : ['other']);
      await one.remove(first);
      expect(await textsOf(one)).toEqual(['other']);
    });

    test('another job is not seen', async () => {
      await using world = await makeWorld();
      const board = await world.open();
      await board.keep(first, bytes('one'));
      expect(await textsOf(board, jobName('clicks'))).toEqual([]);
      expect(await textsOf(board, jobName('clicks-of-may-too'))).toEqual([]);
    });

    test('a record as large as it takes comes back whole', async () => {
      await using world = await makeWorld();
      const board = await world.open();
      const bytesMax = await board.bytesMax();
      expect(bytesMax).toBeGreaterThan(100_000);
      await board.keep(first, new Uint8Array(bytesMax).fill(7));
      const [found] = await (await world.open()).read(JOB);
      expect(found?.bytes.byteLength).toBe(bytesMax);
    });

    test('a record of 100,000 bytes comes back as it was', async () => {
      await using world = await makeWorld();
      const board = await world.open();
      const large = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 31) % 251);
      await board.keep(first, large);
      const [found] = await board.read(JOB);
      expect(Buffer.compare(found?.bytes ?? new Uint8Array(), large)).toBe(0);
    });
  });
}
