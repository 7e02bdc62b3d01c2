import { expect, test } from 'vitest';
import { planMemory, type MemoryFacts } from '../../../src/plan/memoryPlan.ts';
import { shareMemory } from '../../../src/system/memoryBudget.ts';

const MIB = 1024 * 1024;
const KIB = 1024;

const LINES: MemoryFacts = {
  ceilingBytes: 256 * MIB,
  isSet: false,
  takenBytes: 60 * MIB,
  rowGroupBytes: null,
  filesMax: 1_000_000,
  filesOpen: 10,
  rowBytes: null,
  bytesPerInterval: 100 * KIB,
  recordsPerFile: 1_000,
};
const ROWS: MemoryFacts = { ...LINES, ceilingBytes: 1024 * MIB, rowGroupBytes: 64 * MIB, rowBytes: KIB };

test('memory is shared as a run shares it', () => {
  const { fetchBytes, writeBytes } = shareMemory(256 * MIB, 60 * MIB);
  const plan = planMemory(LINES);
  expect(plan).toMatchObject({ shares: { fetchBytes, writeBytes }, rowGroup: null, isSet: false });
  expect(plan.peakBytes).toBe(60 * MIB + 64 * MIB + fetchBytes + 10 * (100 + 9) * KIB);
});

test('as many files may be open as the memory allows, or less', () => {
  const byMemory = planMemory(LINES).filesMax;
  expect(byMemory).toBeGreaterThan(1_000);
  expect(byMemory).toBeLessThan(20_000);
  expect(planMemory({ ...LINES, filesMax: 50 }).filesMax).toBe(50);
});

test('the peak is never above the ceiling', () => {
  expect(planMemory({ ...LINES, filesOpen: 1e6, bytesPerInterval: 1e9 }).peakBytes).toBeLessThanOrEqual(
    256 * MIB,
  );
});

test('too little memory is told with what would suffice', () => {
  const plan = planMemory({ ...LINES, ceilingBytes: 100 * MIB });
  expect(plan).toMatchObject({ shares: null, leastBytes: 148 * MIB });
});

test('open files share the memory of their row groups', () => {
  const shared = shareMemory(1024 * MIB, 60 * MIB).writeBytes;
  expect(planMemory({ ...ROWS, filesOpen: 2 }).rowGroup).toMatchObject({
    bytes: 64 * MIB,
    expectedBytes: 64 * MIB,
    rows: 64 * KIB,
  });
  const many = planMemory({ ...ROWS, filesOpen: 100, filesMax: 200 }).rowGroup;
  expect(many?.expectedBytes).toBe(Math.floor(shared / 100) - 9 * KIB);
  expect(many?.leastBytes).toBe(Math.floor(shared / 200) - 9 * KIB);
  expect(many?.rows).toBe(Math.floor((many?.expectedBytes ?? 0) / KIB));
});
