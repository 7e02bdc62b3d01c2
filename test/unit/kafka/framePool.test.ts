import { expect, test } from 'vitest';
import { FrameLease, takeFrame } from '../../../src/kafka/framePool.ts';

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
