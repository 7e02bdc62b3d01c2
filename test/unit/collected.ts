/** What is still in memory once garbage is collected. */
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** How many of them are still alive. */
export async function aliveOf(references: readonly WeakRef<object>[]): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // What was read in this turn is held until its end.
  for (let round = 0; round < 5; round += 1) {
    await turn();
    collect();
  }
  return references.filter((reference) => reference.deref() !== undefined).length;
}
