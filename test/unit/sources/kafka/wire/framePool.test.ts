import { expect, test } from 'vitest';
import { FrameLease, takeFrame } from '../../../../../src/sources/kafka/wire/framePool.ts';

const LENGTH = 900_000;

test('a frame is used again once everybody has let go of it, and not before', () => {
  const frame = takeFrame(LENGTH);
  const lease = new FrameLease(frame.subarray(4));
  const [first, second] = [lease.hold(), lease.hold()];
  lease.release();
  first();
  first();
  expect(takeFrame(LENGTH).buffer).not.toBe(frame.buffer);
  second();
  const again = takeFrame(LENGTH - 1);
  expect(again.buffer).toBe(frame.buffer);
  expect(again.length).toBe(LENGTH - 1);
});

test('the creator lets go of a frame once: a second time would take it from a reader', () => {
  const frame = takeFrame(LENGTH);
  const lease = new FrameLease(frame);
  lease.hold();
  lease.release();
  expect(() => lease.release()).toThrow(expect.objectContaining({ code: 'INTERNAL' }) as Error);
  expect(takeFrame(LENGTH).buffer).not.toBe(frame.buffer);
});

test('memory of somebody else, of short frames and of frames that lie in the pool is not taken in', () => {
  for (const foreign of [Buffer.alloc(LENGTH), takeFrame(1_000)]) {
    new FrameLease(foreign).release();
    expect(takeFrame(foreign.length).buffer).not.toBe(foreign.buffer);
  }
  const frame = takeFrame(LENGTH);
  new FrameLease(frame).release();
  new FrameLease(frame).release();
  const buffers = [takeFrame(LENGTH).buffer, takeFrame(LENGTH).buffer];
  expect(buffers.filter((buffer) => buffer === frame.buffer).length).toBe(1);
});

test('what a job prefetches at one time, in answers of all lengths, gets its memory back', () => {
  const inTurn = (lengths: readonly number[]): ReadonlySet<ArrayBufferLike> => {
    const frames = lengths.map((length) => takeFrame(length));
    for (const frame of frames) new FrameLease(frame).release();
    return new Set(frames.map(({ buffer }) => buffer));
  };
  const first = inTurn([10_400_000, 7_700_000, 5_200_000, 2_600_000, 2_500_000]);
  const again = inTurn([10_300_000, 7_800_000, 5_100_000, 2_590_000, 2_400_000]);
  expect([...again].filter((buffer) => !first.has(buffer))).toEqual([]);
});
