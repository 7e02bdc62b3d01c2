export type LeaseLimits = { readonly softMs: number; readonly hardMs: number };

/**
 * Leases, as in HDFS: one per client, renewed as a whole. Below the soft limit only the holder may write;
 * between the limits another writer may take the file over; beyond the hard limit the server closes the file.
 * The limits of the real service are not known.
 */
export class Leases {
  readonly #renewedAtMs = new Map<string, number>();
  readonly #startedAtMs: number;
  readonly #now: () => number;
  readonly #limits: LeaseLimits;

  constructor(now: () => number, limits: LeaseLimits) {
    this.#now = now;
    this.#limits = limits;
    // After a restart of the server every lease counts as renewed.
    this.#startedAtMs = now();
  }

  renew(clientName: string): void {
    this.#renewedAtMs.set(clientName, this.#now());
  }

  isBeyondSoftLimit(clientName: string): boolean {
    return this.#ageMs(clientName) > this.#limits.softMs;
  }

  isBeyondHardLimit(clientName: string): boolean {
    return this.#ageMs(clientName) > this.#limits.hardMs;
  }

  /** As if the client had been silent for longer than the hard limit. */
  expire(clientName: string): void {
    this.#renewedAtMs.set(clientName, Number.NEGATIVE_INFINITY);
  }

  #ageMs(clientName: string): number {
    return this.#now() - (this.#renewedAtMs.get(clientName) ?? this.#startedAtMs);
  }
}
