import { within } from '../system/bounded.ts';
import { systemPorts } from './compose.ts';

/** How long all may take. */
const CLOSE_MS = 2_000;

/**
 * What a command has opened. In the end it closes all of it, and does not wait for a close that hangs: what
 * was asked for is done.
 */
export class Clients {
  readonly #closes: (() => Promise<void>)[] = [];

  add<T extends { close(): Promise<void> }>(opened: T): T {
    this.#closes.push(() => opened.close());
    return opened;
  }

  addSource<T extends { stop(): Promise<void> }>(source: T): T {
    this.#closes.push(() => source.stop());
    return source;
  }

  close(): Promise<void> {
    const all = Promise.allSettled(this.#closes.map((close) => close()));
    return within(systemPorts.clock, CLOSE_MS, all);
  }
}
