/** The real file store in a folder of its own, for each test of a file. */
import { afterEach, beforeEach } from 'vitest';
import { createFileStore } from '../../../../src/stores/local/store.ts';
import { localHarness } from '../../../conformance/store/localHarness.ts';
import type { StoreHarness } from '../../../conformance/store/scene.ts';

/**
 * Hands over the harness of each test before it begins. What is pushed to the list is closed behind the test.
 */
export function withLocalStore(take: (harness: StoreHarness) => void): (() => Promise<void>)[] {
  const closers: (() => Promise<void>)[] = [];
  let harness: StoreHarness;
  beforeEach(async () => {
    harness = await localHarness((pacer) => createFileStore({ pacer }));
    take(harness);
  });
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
    await harness.dispose();
  });
  return closers;
}
