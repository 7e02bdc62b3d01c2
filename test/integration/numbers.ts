/** The check that each numbered record is committed exactly once. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';

export { createTopic, NumberProducer } from './numberProducer.ts';

/** By entry type, never by asking again: a temporary name may be gone a moment after it was listed. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}

const isHidden = (name: string): boolean => name.split(path.sep).some((part) => /^[._]/.test(part));

/** Digest of every committed file by name: what may never change once it is there. */
export function committedDigests(folder: string): Map<string, string> {
  return new Map(
    filesBelow(folder)
      .filter((name) => !isHidden(name))
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(path.join(folder, name)))
          .digest('hex'),
      ]),
  );
}

export function expectUnchanged(before: ReadonlyMap<string, string>, folder: string): void {
  const now = committedDigests(folder);
  for (const [name, digest] of before)
    expect(now.get(name), `${name} is neither changed nor gone`).toBe(digest);
}

/**
 * Every number of every partition is in exactly one committed file, in order inside it; no temporary name
 * is left.
 */
export function expectExactlyOnce(folder: string, sent: readonly number[]): void {
  const counts = sent.map((count) => new Uint8Array(count));
  for (const name of filesBelow(folder)) {
    // The marker and the witnesses stay.
    if (name.startsWith('.tidemark/')) continue;
    expect(isHidden(name), `${name} is left over`).toBe(false);
    let last = -1;
    for (const line of readFileSync(path.join(folder, name), 'utf8').split('\n').slice(0, -1)) {
      const [partition = NaN, number = NaN] = line.split(':').map(Number);
      if (number <= last) expect.fail(`${name}: ${number} follows ${last}`);
      last = number;
      const column = counts[partition];
      if (column?.[number] === undefined) expect.fail(`${name}: ${line} was never sent`);
      column[number] += 1;
    }
  }
  counts.forEach((column, partition) => {
    const lost = column.indexOf(0);
    const doubled = column.findIndex((count) => count > 1);
    expect({ partition, lost, doubled }).toEqual({ partition, lost: -1, doubled: -1 });
  });
}
