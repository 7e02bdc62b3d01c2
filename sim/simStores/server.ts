/**
 * The servers of all kinds of store, as the world sees them: calls that faults strike, and what readers see.
 */
import { Destination } from './destination.ts';
import { StoreCalls, type HeldFiles, type SimStoreOptions } from './port.ts';

/** The first byte is another one, also where it was changed before. */
export function withOtherByte(bytes: Buffer): Buffer {
  const [first = 0] = bytes;
  return Buffer.concat([Buffer.from([(first + 1) % 256]), bytes.subarray(1)]);
}

export abstract class SimServer {
  protected readonly calls: StoreCalls;
  protected readonly destination: Destination;

  constructor(options: SimStoreOptions) {
    this.calls = new StoreCalls(options);
    this.destination = new Destination(options);
  }

  abstract remove(uri: string): void;

  goAway(forMs: number): void {
    this.calls.goAway(forMs);
  }

  held(): ReadonlyMap<string, HeldFiles> {
    return this.calls.held;
  }

  committed(): ReadonlyMap<string, Buffer> {
    return this.destination.visible;
  }

  putAway(uri: string): void {
    this.destination.take(uri, 'putAway');
    this.remove(uri);
  }

  take(uri: string): void {
    this.destination.take(uri);
    this.remove(uri);
  }
}
