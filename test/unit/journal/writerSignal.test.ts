import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { claimed, identity } from './fixtures.ts';
import { Bench } from './writerBench.ts';

test('a signal keeps no listener of an append that is over, however often it was sent', async () => {
  const bench = new Bench();
  const { signal } = new AbortController();
  const during: number[] = [];
  bench.faults = [{ type: 'unavailable' }, { type: 'unavailable' }, { type: 'replyLost' }];
  bench.pacer.onPause = () => void during.push(getEventListeners(signal, 'abort').length);
  await bench.writer().append(identity(), [claimed()], signal);
  expect(during).toEqual([1, 1, 1]);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
