/** Requests of our own, in the shape in which the client sends its own. */
import { payloadOf } from '../client/client.ts';
import type { ProtocolRequest } from '../client/types.ts';

export type Api = Pick<ProtocolRequest<unknown>['request'], 'apiKey' | 'apiVersion' | 'apiName'>;

type Decoded<Response> = Response & { readonly clientSideThrottleTime?: number };

/** @param parse throws what the answer refuses. Absent: whoever asks looks at its codes. */
export function requestOf<Response>(
  api: Api,
  encode: () => Buffer,
  decode: (payload: Buffer) => Decoded<Response>,
  parse: (decoded: Response) => Response = (decoded) => decoded,
): ProtocolRequest<Response> {
  return {
    request: { ...api, encode: async () => payloadOf(encode()) },
    response: { decode: async (payload) => decode(payload), parse: async (decoded) => parse(decoded) },
    logResponseError: false,
  };
}
