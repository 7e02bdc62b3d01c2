import { describe, expect, test } from 'vitest';
import {
  leastCeilingBytes,
  MemoryBudget,
  OPEN_FILE_BYTES,
  shareMemory,
  type FileHolder,
} from '../../../src/system/memoryBudget.ts';

const MIB = 1024 * 1024;

/** Files of given sizes; a rolled one is held until it is settled. */
class Files implements FileHolder {
  readonly rolled: number[] = [];
  settled = 0;
  isClosed = true;
  readonly #sizes: number[];
  #unsettled = 0;

  constructor(...sizes: number[]) {
    this.#sizes = sizes;
  }

  get heldBytes(): number {
    return this.#sizes.reduce((sum, size) => sum + size, 0);
  }

  get rolledBytes(): number {
    return this.#unsettled;
  }

  add(size: number): void {
    this.#sizes.push(size);
  }

  largestBytes(): number {
    return Math.max(0, ...this.#sizes);
  }

  isClosing(): boolean {
    return !this.isClosed;
  }

  rollLargest(): Promise<void> {
    const largest = this.largestBytes();
    this.#sizes.splice(this.#sizes.indexOf(largest), 1);
    this.rolled.push(largest);
    this.#unsettled += 1;
    return Promise.resolve();
  }

  settle(): Promise<void> {
    this.settled += 1;
    this.#unsettled = 0;
    return Promise.resolve();
  }
}

interface Memory {
  residentBytes: number;
}

function budgetOf(
  writeBytes: number,
  files: Files,
  memory: Memory = { residentBytes: 0 },
  collect?: () => void,
) {
  const told: number[] = [];
  const budget = new MemoryBudget({
    ...{ ceilingBytes: 1_000, writeBytes, residentBytes: () => memory.residentBytes },
    onOutgrown: (bytes) => told.push(bytes),
    ...(collect === undefined ? {} : { collect }),
  });
  budget.measure({ heldBytes: () => files.heldBytes, rolledBytes: () => files.rolledBytes });
  budget.join(files);
  return { budget, told };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('sharing', () => {
  test('what the program and its heap take is no share', () => {
    const { fetchBytes, writeBytes } = shareMemory(256 * MIB, 100 * MIB);
    expect(fetchBytes + writeBytes).toBe(92 * MIB);
  });

  test('too little is refused, and the least is named', () => {
    const share = (ceilingMiB: number) => shareMemory(ceilingMiB * MIB, 100 * MIB);
    const refused = expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('expected at least 188MiB') as string,
    }) as Error;
    expect(() => share(187)).toThrow(refused);
    expect(() => share(188)).not.toThrow();
  });

  test('the least that a default is raised to is no more than what is accepted', () => {
    const least = leastCeilingBytes(100 * MIB + 1);
    expect(least).toBe(189 * MIB);
    expect(() => shareMemory(least, 100 * MIB + 1)).not.toThrow();
    expect(() => shareMemory(least - MIB, 100 * MIB + 1)).toThrow();
  });
});

describe('the budget', () => {
  test('within it nobody waits and nothing is rolled', async () => {
    const files = new Files(40, 50);
    const { budget } = budgetOf(100, files);
    budget.look();
    await budget.room(() => true);
    expect(files.rolled).toEqual([]);
  });

  test('over it the largest files are rolled until it is enough, and who waits continues then', async () => {
    const files = new Files(40, 50, 30, 20);
    const { budget } = budgetOf(60, files);
    let isThrough = false;
    const waiting = budget.room(() => true).then(() => (isThrough = true));
    await turn();
    expect(files.rolled).toEqual([50, 40]);
    expect(isThrough).toBe(false);
    budget.look();
    await waiting;
  });

  test('of several holders the one with the largest file rolls', async () => {
    const [few, many] = [new Files(10), new Files(9, 60)];
    const { budget } = budgetOf(20, few);
    budget.measure({ heldBytes: () => few.heldBytes + many.heldBytes, rolledBytes: () => 0 });
    budget.join(many);
    budget.look();
    await turn();
    expect([few.rolled, many.rolled]).toEqual([[], [60]]);
  });

  test('too many rolled files are made durable; no more are rolled for them', async () => {
    const files = new Files();
    for (let rolled = 0; rolled < 20; rolled += 1) {
      files.add(1);
      await files.rollLargest();
    }
    files.add(5);
    const { budget } = budgetOf(15, files);
    expect(budget.isOver).toBe(true);
    const before = files.rolled.length;
    budget.look();
    await turn();
    expect(files.rolled.length).toBe(before);
    expect(files.settled).toBe(1);
    expect(budget.isOver).toBe(false);
  });

  test('who is not wanted any more stops waiting', async () => {
    const files = new Files();
    const { budget } = budgetOf(10, files);
    budget.measure({ heldBytes: () => 11, rolledBytes: () => 0 });
    let isWanted = true;
    const waiting = budget.room(() => isWanted);
    isWanted = false;
    budget.look();
    await waiting;
  });

  test('where only files without records hold it, one passes at each look', async () => {
    const files = new Files();
    const { budget } = budgetOf(10, files);
    budget.measure({ heldBytes: () => 11, rolledBytes: () => 0 });
    files.isClosed = false;
    const passed: string[] = [];
    const all = ['first', 'second'].map(async (name) => {
      await budget.room(() => true);
      passed.push(name);
    });
    const look = async (): Promise<number> => {
      budget.look();
      await turn();
      return passed.length;
    };
    expect(await look()).toBe(0);
    files.isClosed = true;
    expect(await look()).toBe(1);
    expect(await look()).toBe(2);
    await Promise.all(all);
    expect(passed).toEqual(['first', 'second']);
  });

  test("with too much by the system's count, fetching pauses and one file is rolled", async () => {
    const files = new Files(40, 50, 30);
    const memory = { residentBytes: 1_050 };
    const { budget, told } = budgetOf(150, files, memory);
    budget.look();
    expect(budget.isOver).toBe(true);
    await turn();
    expect(files.rolled).toEqual([50]);
    for (let look = 1; look < 10; look += 1) budget.look();
    expect(budget.isOver).toBe(false);
    budget.look();
    await turn();
    expect(files.rolled).toEqual([50, 40]);
    expect(told).toEqual([1_050]);
  });

  test('garbage is collected before files are rolled, and not at every look', () => {
    const files = new Files(40, 50, 30);
    const memory = { residentBytes: 1_001 };
    let collected = 0;
    const { budget, told } = budgetOf(200, files, memory, () => {
      collected += 1;
      memory.residentBytes = 950;
    });
    for (let look = 0; look < 10; look += 1) budget.look();
    expect(collected).toBe(1);
    budget.look();
    expect(collected).toBe(2);
    expect(files.rolled).toEqual([]);
    expect(told).toEqual([]);
  });

  test('as many files are open as fit, with room for those that are rolled', () => {
    const { budget } = budgetOf(16 * (OPEN_FILE_BYTES + 4_096) + 1, new Files());
    expect(budget.openFilesMax).toBe(12);
  });
});
