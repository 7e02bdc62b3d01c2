/** What an HTTP server answers with: a coordinator, or the supervisor of several. */
import type { Call } from './call.ts';

type Handler = (call: Call) => Promise<void> | void;

export interface Route {
  /** Null: it is not for this method. */
  readonly get: Handler | null;
  readonly post: Handler | null;
  /** Whether it needs no token, wherever it is asked from. */
  readonly isOpen: boolean;
}

export interface HttpSite {
  /** Throws NOT_FOUND. */
  routeOf(segments: readonly string[]): Route;
  /** Ends answers that would not end by themselves. */
  end(): void;
}
