/** The keys below `source.kafka.sasl`, and the configuration made from them. */
import { z } from 'zod';
import { existingFile, secret, type SchemaContext } from '../../../kernels/schema/outside.ts';
import { map, rules, type KeyProblem } from '../../../kernels/schema/parts.ts';
import type { Secret } from '../../../kernels/schema/secret.ts';
import { expecting, text } from '../../../kernels/schema/values.ts';
import type { TokenEndpoint } from './token/endpoint.ts';

export type SaslConfig =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: Secret;
    }
  | {
      readonly mechanism: 'oauthbearer';
      readonly endpoint: TokenEndpoint;
      /** What the broker wants to know besides the token. */
      readonly extensions: Readonly<Record<string, string>>;
    };

const NAMES = ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'] as const;
const A_MECHANISM = 'plain, scram-sha-256, scram-sha-512 or oauthbearer';
const A_USER = 'a user name';
const A_SECRET = 'a text or { env: VARIABLE }';
const A_CLIENT = "the client's id at the token endpoint";
const A_URL = 'the URL of a token endpoint, like https://login.example.com/oauth2/token';
/** What each way needs, and what is for it alone. */
const OF_USERS = { needed: { username: A_USER, password: A_SECRET }, more: [] };
const OF_TOKENS = {
  needed: { tokenUrl: A_URL, clientId: A_CLIENT, clientSecret: A_SECRET },
  more: ['scope', 'extensions', 'ca'],
};

type ParsedSasl = z.output<ReturnType<typeof saslSchema>>;

export function saslSchema(context: SchemaContext) {
  const keys = map({
    mechanism: z.enum(NAMES, { error: expecting(A_MECHANISM) }).meta({ description: 'How to authenticate.' }),
    username: text(A_USER).optional().meta({ description: 'User name; with plain and scram.' }),
    password: secret(context)
      .optional()
      .meta({ description: 'Password, as it is or as { env: VARIABLE }; with plain and scram.' }),
    tokenUrl: text(A_URL, urlProblem)
      .optional()
      .meta({ description: 'Token endpoint that gives access tokens; with oauthbearer.' }),
    clientId: text(A_CLIENT).optional().meta({ description: "The client's id there; with oauthbearer." }),
    clientSecret: secret(context)
      .optional()
      .meta({ description: "The client's secret, as it is or as { env: VARIABLE }; with oauthbearer." }),
    scope: text('scopes, separated by blanks')
      .optional()
      .meta({ description: 'Scopes that are asked for, separated by blanks; with oauthbearer.' }),
    extensions: extensionsSchema()
      .optional()
      .meta({ description: 'SASL extensions that the broker wants, name: value; with oauthbearer.' }),
    ca: existingFile(context, 'a PEM file with certificate authorities').optional().meta({
      description: 'PEM file with the authorities to trust at tokenUrl, instead of those that Node trusts.',
    }),
  });
  return rules(keys, mechanismProblems);
}

export function toSasl(parsed: ParsedSasl): SaslConfig {
  const { mechanism, username, password, tokenUrl, clientId, clientSecret, scope, extensions, ca } = parsed;
  // Those that a mechanism needs were checked.
  if (mechanism !== 'oauthbearer')
    return { mechanism, username: username as string, password: password as Secret };
  const endpoint = {
    url: tokenUrl as string,
    clientId: clientId as string,
    clientSecret: clientSecret as Secret,
    scope: scope ?? null,
    caFile: ca ?? null,
  };
  return { mechanism, endpoint, extensions: extensions ?? {} };
}

function mechanismProblems(value: Record<string, unknown>): readonly KeyProblem[] {
  const mechanism = value['mechanism'];
  if (typeof mechanism !== 'string' || !(NAMES as readonly string[]).includes(mechanism)) return [];
  const [own, other] = mechanism === 'oauthbearer' ? [OF_TOKENS, OF_USERS] : [OF_USERS, OF_TOKENS];
  const missing = Object.entries(own.needed).filter(([key]) => value[key] === undefined);
  const foreign = [...Object.keys(other.needed), ...other.more].filter((key) => value[key] !== undefined);
  const known = [...Object.keys(own.needed), ...own.more].join(', ');
  const meaning = `mechanism: ${mechanism}; expected ${known}`;
  return [
    ...missing.map(([key, expected]) => ({ key: [key], message: `is missing; expected ${expected}` })),
    ...foreign.map((key) => ({ key: [key], message: `has no meaning with ${meaning}` })),
  ];
}

function urlProblem(value: string): string | null {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) return 'is no URL of https';
  if (url.username !== '' || url.password !== '')
    return 'holds a user or password (clientId and clientSecret are keys of their own)';
  const isHere = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  return url.protocol === 'https:' || isHere ? null : 'is http, which would show the secret to the network';
}

function extensionsSchema() {
  const expected = 'a map of names (letters only, not auth) and printable texts';
  return z.record(
    z.string().regex(/^(?!auth$)[A-Za-z]+$/, { error: `is no name of an extension; expected ${expected}` }),
    z
      .string({ error: expecting('a text') })
      .regex(/^[\x20-\x7e]+$/, { error: 'is empty or not printable; expected a text' }),
    { error: expecting(expected) },
  );
}
