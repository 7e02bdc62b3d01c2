/** Every invariant of the promise, in its order. */
import type { Violation } from '../schedule.ts';
import type { Facts } from './facts.ts';
import { checkP1 } from './p1.ts';
import { checkP2 } from './p2.ts';
import { checkP3 } from './p3.ts';
import { checkP4 } from './p4.ts';
import { checkP5 } from './p5.ts';
import { checkP6 } from './p6.ts';
import { checkP7 } from './p7.ts';

const CHECKERS = [checkP1, checkP2, checkP3, checkP4, checkP5, checkP6, checkP7] as const;

export function checkAll(trace: Facts): Violation[] {
  return CHECKERS.flatMap((check) => check(trace));
}
