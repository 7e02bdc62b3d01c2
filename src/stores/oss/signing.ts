/** Signs requests with version 4 of OSS's signature, through ali-oss. */
import { createRequire } from 'node:module';
import type { OssCredentials } from '../alibaba/credentials.ts';

/** The part of ali-oss that is used: its own client is not (docs/decisions/0206). */
interface AliOssSigning {
  authorizationV4(
    accessKeyId: string,
    accessKeySecret: string,
    region: string,
    method: string,
    request: {
      readonly headers: Readonly<Record<string, string>>;
      readonly queries: Readonly<Record<string, string | null>>;
    },
    bucketName: string,
    objectName: string | undefined,
  ): string;
}

// The package has no types for it.
const aliOss = createRequire(import.meta.url)('ali-oss/lib/common/signUtils.js') as AliOssSigning;

export interface SignedRequest {
  readonly method: string;
  readonly region: string;
  readonly ossBucket: string;
  /** Empty for the bucket itself. */
  readonly key: string;
  /** A null value: the name alone. */
  readonly query: Readonly<Record<string, string | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly wallMs: number;
}

/** The headers of the request, with its signature. */
export function signed(request: SignedRequest, credentials: OssCredentials): Record<string, string> {
  const { method, region, ossBucket, key, query, wallMs } = request;
  const { accessKeyId, accessKeySecret, securityToken } = credentials;
  const headers: Record<string, string> = {
    ...request.headers,
    'x-oss-date': new Date(wallMs).toISOString().replaceAll(/[-:]|\.\d+/g, ''),
    'x-oss-content-sha256': 'UNSIGNED-PAYLOAD',
    ...(securityToken === null ? {} : { 'x-oss-security-token': securityToken.reveal() }),
  };
  headers['authorization'] = aliOss.authorizationV4(
    ...([accessKeyId.reveal(), accessKeySecret.reveal(), region, method] as const),
    { headers, queries: query },
    // Without a key, the path that is signed still ends in a slash.
    ...([ossBucket, key === '' ? undefined : key] as const),
  );
  return headers;
}

/** As the signature expects it: all but letters, digits and -_.~ is encoded. */
export function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
