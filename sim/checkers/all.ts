/** Every invariant of the promise, in its order. */
import type { Violation } from '../schedule.ts';
import type { Facts } from './facts.ts';
import { checkP1 } from './everyRecordOnce.ts';
import { checkP2 } from './noDuplicateVisible.ts';
import { checkP3 } from './orderKept.ts';
import { checkP4 } from './committedIsFinal.ts';
import { checkP5 } from './allBecomesCommitted.ts';
import { checkP6 } from './stopsAreJustified.ts';
import { checkP7 } from './filesAsConfigured.ts';
import { checkP8 } from './onlyOrphansRemoved.ts';

const CHECKERS = [checkP1, checkP2, checkP3, checkP4, checkP5, checkP6, checkP7, checkP8] as const;

export function checkAll(trace: Facts): Violation[] {
  return CHECKERS.flatMap((check) => check(trace));
}
