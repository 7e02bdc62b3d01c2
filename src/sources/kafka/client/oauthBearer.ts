/**
 * SASL/OAUTHBEARER (RFC 7628), in place of kafkajs's own: that one takes the broker's refusal for a success,
 * which then looks like a broker that closes connections, and writes a stray quote before an authorization
 * identity. Tidemark names none: a broker accepts no other than the token's.
 */
import type { Mechanism } from 'kafkajs';
import type { Secret } from '../../../../kernels/schema/secret.ts';

const LENGTH_BYTES = 4;
/** Separates the parts of a message; alone, it acknowledges a refusal. */
const SEPARATOR = '\u0001';
const REASON_CHARACTERS_MAX = 200;

interface BearerOptions {
  /** Asked at every authentication: a token that is valid now. */
  readonly token: () => Promise<Secret>;
  /** What the broker wants to know besides the token. */
  readonly extensions: Readonly<Record<string, string>>;
}

export function oauthBearer({ token, extensions }: BearerOptions): Mechanism {
  return {
    mechanism: 'oauthbearer',
    authenticationProvider: ({ saslAuthenticate }) => ({
      async authenticate() {
        const value = (await token()).reveal();
        const refusal = await saslAuthenticate({ request: sent(bearerMessage(value, extensions)), response });
        if (refusal === undefined || refusal === '') return;
        // The broker answers this with its error, as a rule.
        await saslAuthenticate({ request: sent(SEPARATOR), response });
        throw new TokenRefused(`the broker refuses the token: ${refusal}`);
      },
    }),
  };
}

class TokenRefused extends Error {
  override readonly name = 'TokenRefused';
}

/** The client's message: the token, then the extensions. */
export function bearerMessage(token: string, extensions: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(extensions).map(([name, value]) => `${name}=${value}`);
  return ['n,,', `auth=Bearer ${token}`, ...pairs, '', ''].join(SEPARATOR);
}

/** kafkajs wants the length before the bytes. */
function sent(message: string): { encode: () => Buffer } {
  const bytes = Buffer.alloc(LENGTH_BYTES + Buffer.byteLength(message));
  bytes.writeInt32BE(bytes.length - LENGTH_BYTES, 0);
  bytes.write(message, LENGTH_BYTES);
  return { encode: () => bytes };
}

/** Empty where the broker accepts; else why it does not, as JSON. */
const response = {
  decode: (answer: Buffer): Buffer => answer.subarray(LENGTH_BYTES),
  parse: (refusal: Buffer): string =>
    refusal
      .toString('utf8')
      .replaceAll(/\p{Cc}/gu, ' ')
      .slice(0, REASON_CHARACTERS_MAX),
};
