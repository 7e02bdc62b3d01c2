/** An operator, an account and a user as NATS knows them: what `nsc` writes, made for one test. */
import { createHash } from 'node:crypto';
import { nkeys } from '@nats-io/transport-node';

export interface JwtWorld {
  /** Lines for the server's configuration. */
  readonly serverConfig: string;
  /** Content of the user's .creds file. */
  readonly credentials: string;
  /** What must never be seen anywhere. */
  readonly secret: string;
}

type Pair = ReturnType<typeof nkeys.createUser>;

export function createJwtWorld(): JwtWorld {
  const operator = nkeys.createOperator();
  const account = nkeys.createAccount();
  const user = nkeys.createUser();
  const system = nkeys.createAccount();
  const unlimited = {
    subs: -1,
    data: -1,
    payload: -1,
    imports: -1,
    exports: -1,
    wildcards: true,
    conn: -1,
    leaf: -1,
  };
  const jetstream = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const operatorJwt = token(operator, operator, 'operator', { type: 'operator' });
  const accountJwt = token(operator, account, 'account', {
    type: 'account',
    limits: { ...unlimited, ...jetstream },
  });
  const systemJwt = token(operator, system, 'system', { type: 'account', limits: unlimited });
  const userJwt = token(account, user, 'user', { type: 'user', subs: -1, data: -1, payload: -1 });
  const secret = new TextDecoder().decode(user.getSeed());
  return {
    serverConfig: `operator: ${operatorJwt}
system_account: ${system.getPublicKey()}
resolver: MEMORY
resolver_preload: { ${account.getPublicKey()}: ${accountJwt}, ${system.getPublicKey()}: ${systemJwt} }`,
    credentials: [
      '-----BEGIN NATS USER JWT-----',
      userJwt,
      '------END NATS USER JWT------',
      '',
      '-----BEGIN USER NKEY SEED-----',
      secret,
      '------END USER NKEY SEED------',
      '',
    ].join('\n'),
    secret,
  };
}

function token(issuer: Pair, subject: Pair, name: string, nats: Record<string, unknown>): string {
  const claims = { iat: 1_700_000_000, iss: issuer.getPublicKey(), name, sub: subject.getPublicKey() };
  const body = { ...claims, nats: { ...nats, version: 2 } };
  const jti = createHash('sha256').update(JSON.stringify(body)).digest('base64url');
  const signed = [
    { typ: 'JWT', alg: 'ed25519-nkey' },
    { jti, ...body },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const signature = Buffer.from(issuer.sign(new TextEncoder().encode(signed))).toString('base64url');
  return `${signed}.${signature}`;
}
