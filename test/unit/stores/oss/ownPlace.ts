/** A loopback server for a file of tests, and ways to look at what the store asked it. */
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { StoreHarness } from '../../../conformance/store/scene.ts';
import { OssPlace } from '../../../conformance/store/ossHarness.ts';

export interface OwnPlace {
  readonly place: OssPlace;
  /** Names of the operations since the test began. */
  operations(): readonly string[];
  /** A bucket folder that nobody else uses. */
  harness(...options: Parameters<OssPlace['harness']>): StoreHarness;
}

export function ownPlace(): OwnPlace {
  let place: OssPlace | null = null;
  const own = (): OssPlace => {
    if (place === null) throw new Error('the server is not started yet');
    return place;
  };
  beforeAll(async () => {
    place = await OssPlace.open();
  });
  afterAll(() => own().close());
  beforeEach(() => {
    own().server.faults.clear();
    own().server.calls.length = 0;
  });
  return {
    get place() {
      return own();
    },
    operations: () => own().server.calls.map(({ operation }) => operation),
    harness: (...options) => own().harness(...options),
  };
}
