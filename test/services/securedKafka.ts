/** One real broker that demands each way to authenticate, at a listener of its own. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { withFreshPorts } from '../../scripts/services/launch.ts';
import { freePort } from '../../scripts/services/processes.ts';
import { makeCertificate, type Certificate } from './certificates.ts';
import { startKafka, type OwnKafka } from './servers.ts';
import { TokenServer } from './tokenServer.ts';

/**
 * TLS: no authentication; MUTUAL: a client certificate; USERS: PLAIN and SCRAM; TOKENS: OAUTHBEARER; EXPIRED:
 * TLS with a certificate that has ended; OPEN: SASL without TLS.
 */
const PROTOCOLS = {
  TLS: 'SSL',
  MUTUAL: 'SSL',
  EXPIRED: 'SSL',
  USERS: 'SASL_SSL',
  TOKENS: 'SASL_SSL',
  OPEN: 'SASL_PLAINTEXT',
} as const;

export type SecuredListener = keyof typeof PROTOCOLS;
const LISTENERS = Object.keys(PROTOCOLS) as SecuredListener[];

export const USER = { name: 'alice', password: 'the-right-secret' };
/** What the broker lets a connection live without authenticating again. */
export const SESSION_MS = 5_000;

export class SecuredKafka implements AsyncDisposable {
  readonly kafka: OwnKafka;
  readonly tokens: TokenServer;
  readonly server: Certificate;
  readonly expired: Certificate;
  readonly client: Certificate;
  /** Of the token endpoint. */
  readonly endpoint: Certificate;
  /** Nobody knows it. */
  readonly stranger: Certificate;
  readonly #folder: string;
  readonly #ports: Readonly<Record<SecuredListener, number>>;

  private constructor(made: Made, kafka: OwnKafka, tokens: TokenServer, ports: Ports) {
    this.kafka = kafka;
    this.tokens = tokens;
    this.server = made.server;
    this.expired = made.expired;
    this.client = made.client;
    this.endpoint = made.endpoint;
    this.stranger = made.stranger;
    this.#folder = made.folder;
    this.#ports = ports;
  }

  static async start(): Promise<SecuredKafka> {
    const made = makeFiles();
    const tokens = await TokenServer.start({ certificate: made.endpoint });
    const jwks = path.join(made.folder, 'jwks.json');
    writeFileSync(jwks, tokens.jwks);
    return withFreshPorts(async () => {
      const ports = {} as Record<SecuredListener, number>;
      for (const listener of LISTENERS) ports[listener] = await freePort();
      const [port, controller] = [await freePort(), await freePort()];
      const config = { ...listenersOf(port, controller, ports), ...securityOf(made), ...tokensOf(jwks) };
      const scram = (mechanism: string): string[] => [
        ...['--add-scram', `${mechanism}=[name=${USER.name},password=${USER.password}]`],
      ];
      const formatArgs = [...scram('SCRAM-SHA-256'), ...scram('SCRAM-SHA-512')];
      const kafka = await startKafka({
        port,
        config,
        formatArgs,
        javaOptions: ['-XX:TieredStopAtLevel=1', allowed(jwks)],
      });
      return new SecuredKafka(made, kafka, tokens, ports);
    });
  }

  /** `host:port` of a listener, by the name in the certificates. */
  brokers(listener: SecuredListener): string[] {
    return [`localhost:${this.#ports[listener]}`];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kafka.stop();
    await this.tokens[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

type Ports = Readonly<Record<SecuredListener, number>>;
type Made = ReturnType<typeof makeFiles>;

function makeFiles() {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-secured-'));
  const make = (): Certificate => makeCertificate(folder);
  return {
    ...{ folder, server: make(), client: make(), endpoint: make(), stranger: make() },
    expired: makeCertificate(folder, { validUntil: '20200201000000Z' }),
  };
}

function listenersOf(port: number, controller: number, ports: Ports): Record<string, string> {
  const plain = `PLAINTEXT://127.0.0.1:${port}`;
  const at = (host: string): string =>
    [plain, ...LISTENERS.map((name) => `${name}://${host}:${ports[name]}`)].join(',');
  const protocols = LISTENERS.map((name) => `${name}:${PROTOCOLS[name]}`).join(',');
  return {
    listeners: `${at('127.0.0.1')},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': at('localhost'),
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    'listener.security.protocol.map': `PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,${protocols}`,
    'inter.broker.listener.name': 'PLAINTEXT',
  };
}

function securityOf({ folder, server, expired, client }: Made): Record<string, string> {
  const keystore = (listener: string, certificate: Certificate): Record<string, string> => {
    const file = path.join(folder, `${listener}.pem`);
    writeFileSync(file, `${readFileSync(certificate.key, 'utf8')}${readFileSync(certificate.cert, 'utf8')}`);
    const prefix = `listener.name.${listener}.ssl.keystore`;
    return { [`${prefix}.type`]: 'PEM', [`${prefix}.location`]: file };
  };
  const login = (listener: string, mechanism: string, module: string): Record<string, string> => ({
    [`listener.name.${listener}.${mechanism}.sasl.jaas.config`]: `org.apache.kafka.common.security.${module}`,
  });
  const plain = `plain.PlainLoginModule required user_${USER.name}="${USER.password}";`;
  const scram = 'scram.ScramLoginModule required;';
  return {
    ...['tls', 'mutual', 'users', 'tokens'].reduce(
      (all, name) => ({ ...all, ...keystore(name, server) }),
      {},
    ),
    ...keystore('expired', expired),
    'listener.name.mutual.ssl.client.auth': 'required',
    'listener.name.mutual.ssl.truststore.type': 'PEM',
    'listener.name.mutual.ssl.truststore.location': client.cert,
    'listener.name.users.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'listener.name.open.sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.tokens.sasl.enabled.mechanisms': 'OAUTHBEARER',
    'connections.max.reauth.ms': String(SESSION_MS),
    ...login('users', 'plain', plain),
    ...login('open', 'plain', plain),
    ...login('users', 'scram-sha-256', scram),
    ...login('users', 'scram-sha-512', scram),
    ...login('tokens', 'oauthbearer', 'oauthbearer.OAuthBearerLoginModule required;'),
  };
}

const fileUrl = (file: string): string => `file://${file}`;

function tokensOf(jwks: string): Record<string, string> {
  const library = 'org.apache.kafka.common.security.oauthbearer';
  const handler = `${library}.OAuthBearerValidatorCallbackHandler`;
  return {
    'listener.name.tokens.oauthbearer.sasl.server.callback.handler.class': handler,
    // With the default of 4.1.1, tokens for others were taken, and those that had ended.
    'sasl.oauthbearer.jwt.validator.class': `${library}.BrokerJwtValidator`,
    'sasl.oauthbearer.jwks.endpoint.url': fileUrl(jwks),
    'sasl.oauthbearer.expected.audience': 'kafka',
  };
}

/** Since 4.0 a broker reads keys from nowhere else. */
const allowed = (jwks: string): string => `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${fileUrl(jwks)}`;
