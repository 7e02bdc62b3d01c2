/**
 * What every store must do: one suite over a harness; the capabilities that the store declares switch what is
 * expected. A new store registers with one call of `describeStore`.
 */
import { afterEach, beforeEach, describe } from 'vitest';
import { describeBackups } from './backups.ts';
import { describeCrashes } from './crashes.ts';
import { describeFormats } from './formats.ts';
import { describeMarkers } from './markers.ts';
import { describePublishing } from './publishing.ts';
import { describeReading } from './reading.ts';
import { describeSalvage } from './salvage.ts';
import { describeScratch } from './scratch.ts';
import type { StoreHarness, StoreUnderTest } from './scene.ts';
import { describeTakeover } from './takeover.ts';
import { describeTemporaries } from './temporaries.ts';
import { describeWitnesses } from './witnesses.ts';
import { describeWriting } from './writing.ts';
import { describeZombies } from './zombies.ts';

/** The harness of the running test. */
export type Current = () => StoreHarness;

export function describeStore(name: string, store: StoreUnderTest): void {
  describe(`${name} as a recoverable writer`, () => {
    let harness: StoreHarness;
    const current: Current = () => harness;
    beforeEach(async () => {
      harness = await store.harness();
    });
    afterEach(async () => {
      await harness.dispose();
    });
    describeWriting(current, store);
    describeTakeover(current, store);
    describePublishing(current);
    describeBackups(current);
    describeZombies(current);
    describeCrashes(current);
    describeMarkers(current);
    describeWitnesses(current);
    describeReading(current);
    describeSalvage(current);
    describeScratch(current, store);
    describeTemporaries(current);
    describeFormats(current);
  });
}
