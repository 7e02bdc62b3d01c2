/** The address at which a broker listens. */
export interface BrokerAddress {
  /** IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Parses `host:port` or `[::1]:9092`, which is already validated. */
export function brokerAddress(text: string): BrokerAddress {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}
