import { describe, expect, test } from 'vitest';
import { Coalesced } from '../../../../src/sources/kafka/questions.ts';

/** A question whose runs are answered by hand. */
function heldQuestion() {
  const runs: { answer: (value: number) => void; fail: (error: Error) => void }[] = [];
  const question = new Coalesced<number>(
    () =>
      new Promise((answer, fail) => {
        runs.push({ answer, fail });
      }),
  );
  return { runs, question };
}

describe('a coalesced question', () => {
  test('answers a call only by a run that began after it, and many calls by one', async () => {
    const { runs, question } = heldQuestion();
    const first = question.call();
    const later = [question.call(), question.call()];
    expect(runs).toHaveLength(1);
    runs[0]!.answer(1);
    expect(await first).toBe(1);
    await Promise.resolve();
    expect(runs).toHaveLength(2);
    runs[1]!.answer(2);
    expect(await Promise.all(later)).toEqual([2, 2]);
  });

  test('asks anew after a failed run, also for the calls that waited behind it', async () => {
    const { runs, question } = heldQuestion();
    const first = question.call();
    const second = question.call();
    runs[0]!.fail(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    await Promise.resolve();
    runs[1]!.answer(7);
    expect(await second).toBe(7);
    const third = question.call();
    runs[2]!.answer(8);
    expect(await third).toBe(8);
  });
});
