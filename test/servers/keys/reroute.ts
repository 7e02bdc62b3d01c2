/**
 * Sends what Alibaba's library asks fixed addresses (100.100.100.200, STS by https) to servers of a test.
 * Preloaded into a process of its own (`--import`), or called.
 */
import http from 'node:http';
import https from 'node:https';

/** By `host:port`: where it goes instead, over http. */
export type Routes = Readonly<Record<string, string>>;

/** Environment of a process whose requests are rerouted. */
export function rerouted(routes: Routes): Readonly<Record<string, string>> {
  return {
    NODE_OPTIONS: `--import=${import.meta.filename}`,
    TIDEMARK_TEST_ROUTES: JSON.stringify(routes),
  };
}

/** Until the returned function is called. */
export function reroute(routes: Routes): () => void {
  const original = { http: http.request, https: https.request };
  const through =
    (kind: 'http' | 'https') =>
    (...args: unknown[]): http.ClientRequest => {
      const [options] = args as [http.RequestOptions];
      const [host, port] = routes[`${String(options.host)}:${String(options.port)}`]?.split(':') ?? [];
      if (host === undefined || port === undefined)
        return (original[kind] as (...all: unknown[]) => http.ClientRequest)(...args);
      return original.http({ ...options, agent: undefined, host, port: Number(port) });
    };
  Object.assign(http, { request: through('http') });
  Object.assign(https, { request: through('https') });
  return () => {
    Object.assign(http, { request: original.http });
    Object.assign(https, { request: original.https });
  };
}

const given = process.env['TIDEMARK_TEST_ROUTES'];
if (given !== undefined) reroute(JSON.parse(given) as Routes);
