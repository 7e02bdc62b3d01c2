import { expect, test } from 'vitest';
import { Lent } from '../../../src/system/lentMemory.ts';

const INTERNAL = expect.objectContaining({ code: 'INTERNAL' }) as Error;

test('what is lent can be used until it is given back, which the lender learns once', () => {
  const memory = Buffer.alloc(4);
  const taken: Buffer[] = [];
  const lent = new Lent(memory, { takeBack: (value) => void taken.push(value) });
  expect(lent.value).toBe(memory);
  lent.giveBack();
  expect(() => lent.value).toThrow(INTERNAL);
  expect(() => lent.giveBack()).toThrow(INTERNAL);
  expect(taken).toEqual([memory]);
});
