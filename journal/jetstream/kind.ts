/** The journal in NATS JetStream: one stream, any number of jobs and coordinators. */
import { z } from 'zod';
import {
  certNeedsKey,
  existingFile,
  secret,
  tlsFiles,
  tlsShape,
  type SchemaContext,
  type TlsFiles,
} from '../../kernels/schema/outside.ts';
import { isPort, listOf, map, rule } from '../../kernels/schema/parts.ts';
import type { Secret } from '../../kernels/schema/secret.ts';
import { expecting, matchingText, text } from '../../kernels/schema/values.ts';
import type { JournalKind } from '../kind.ts';

/** How long a read-only command waits for the server. */
const READER_WAIT_MS = 10_000;

export interface NatsJournalConfig {
  readonly type: 'nats';
  /** `nats://host:port` or `tls://host:port`, at least one, without credentials. */
  readonly servers: readonly string[];
  readonly stream: string;
  /** Replicas of a stream that is created: 1 to 5. */
  readonly replicas: number;
  /** Absolute path of a `.creds` file; null if another kind of authentication, or none, is used. */
  readonly credentialsFile: string | null;
  readonly user: string | null;
  readonly password: Secret | null;
  readonly token: Secret | null;
  /** Seed of a user's nkey. */
  readonly nkey: Secret | null;
  /** Null: TLS only if the server requires it. */
  readonly tls: TlsFiles | null;
}

type ParsedNats = z.output<ReturnType<typeof natsSchema>>;

export const NATS_JOURNAL: JournalKind<NatsJournalConfig, ParsedNats> = {
  name: 'nats',
  isShared: true,
  schema: natsSchema,
  toConfig: ({ servers, stream, replicas, credentials, user, password, token, nkey, tls }) => ({
    type: 'nats',
    servers,
    stream,
    replicas,
    credentialsFile: credentials ?? null,
    user: user ?? null,
    password: password ?? null,
    token: token ?? null,
    nkey: nkey ?? null,
    tls: tls === false ? null : tlsFiles(tls === true ? {} : tls),
  }),
  describe: ({ servers, stream }) => ({ place: servers.join(', '), details: `stream ${stream}` }),
  async open(config, { access, onWarning, signal, waitForServerMs }) {
    const { openJetstreamJournal } = await import('./journal.ts');
    const limitMs = waitForServerMs ?? (access === 'read' ? READER_WAIT_MS : undefined);
    return openJetstreamJournal({
      ...connectionOf(config),
      mode: access,
      onWarning,
      ...(limitMs === undefined ? {} : { waitForServerMs: limitMs }),
      ...(signal === undefined ? {} : { signal }),
    });
  },
  async probe(config, { scratchId, onWarning }) {
    const { natsProbe } = await import('./probe.ts');
    return natsProbe({ ...connectionOf(config), scratchId, onWarning });
  },
  async openPresence(config, onWarning) {
    const { openNatsPresence } = await import('./presence.ts');
    return openNatsPresence({ ...connectionOf(config), onWarning });
  },
  ownBackups: null,
  async backup(config, { onWarning, ...copying }) {
    const { backupPortable } = await import('../backup/portable.ts');
    const journal = await NATS_JOURNAL.open(config, { access: 'read', onWarning });
    try {
      return await backupPortable({ ...copying, journal });
    } finally {
      await journal.close();
    }
  },
  async restore(config, copying) {
    const { restoreJetstream } = await import('./restore.ts');
    return restoreJetstream({ ...connectionOf(config), ...copying, waitForServerMs: READER_WAIT_MS });
  },
  async importCopy(config, importing) {
    const { importJetstream } = await import('./import.ts');
    return importJetstream({ ...connectionOf(config), ...importing, waitForServerMs: READER_WAIT_MS });
  },
};

function connectionOf(journal: NatsJournalConfig) {
  const { servers, stream, replicas, credentialsFile, user, password, token, nkey, tls } = journal;
  const given = <T>(value: T | null): value is T => value !== null;
  return {
    ...{ servers, stream, replicas },
    ...(given(credentialsFile) ? { credentials: credentialsFile } : {}),
    ...(given(user) ? { user } : {}),
    ...(given(password) ? { pass: password.reveal() } : {}),
    ...(given(token) ? { token: token.reveal() } : {}),
    ...(given(nkey) ? { nkey: nkey.reveal() } : {}),
    ...(given(tls)
      ? {
          tls: {
            ...(given(tls.caFile) ? { caFile: tls.caFile } : {}),
            ...(given(tls.certFile) ? { certFile: tls.certFile } : {}),
            ...(given(tls.keyFile) ? { keyFile: tls.keyFile } : {}),
          },
        }
      : {}),
  };
}

function natsSchema(context: SchemaContext) {
  const nats = map({
    servers: listOf(natsServer(), 'a list of servers, like ["nats://127.0.0.1:4222"]')
      .default(['nats://127.0.0.1:4222'])
      .meta({ description: 'Servers to begin with.' }),
    stream: matchingText(
      'a stream name of at most 255 letters, digits, "_" and "-"',
      /^[A-Za-z0-9_-]{1,255}$/,
    )
      .default('TIDEMARK')
      .meta({ description: 'JetStream stream; created where it is missing. One stream may hold many jobs.' }),
    replicas: z
      .int({ error: expecting('a whole number from 1 to 5') })
      .min(1, { error: 'is less than 1; expected a whole number from 1 to 5' })
      .max(5, { error: 'is more than 5; expected a whole number from 1 to 5' })
      .default(1)
      .meta({ description: 'Copies of the stream where it is created: 3 survive the loss of a server.' }),
    credentials: existingFile(context, 'a .creds file').optional().meta({ description: 'A .creds file.' }),
    user: text('a user name').optional().meta({ description: 'User name; together with password.' }),
    password: secret(context).optional().meta({ description: 'Password, as it is or as { env: VARIABLE }.' }),
    token: secret(context).optional().meta({ description: 'Token, as it is or as { env: VARIABLE }.' }),
    nkey: secret(context)
      .optional()
      .meta({ description: 'Seed of an nkey (SU...), as it is or as { env: VARIABLE }.' }),
    tls: z
      .union([z.boolean(), rule(map(tlsShape(context)), certNeedsKey)], {
        error: expecting('true, or a map with ca, cert, key'),
      })
      .default(false)
      .meta({ description: 'TLS: true, or a map with its files.' }),
  });
  const checked = rule(nats, (value) => {
    if ((value['user'] === undefined) !== (value['password'] === undefined)) {
      return value['user'] === undefined
        ? 'has password without user; expected both'
        : 'has user without password; expected both';
    }
    const ways = ['credentials', 'user', 'token', 'nkey'].filter((key) => value[key] !== undefined);
    return ways.length > 1 ? `has ${ways.join(' and ')}; expected one way to authenticate` : null;
  });
  return checked.meta({ description: 'NATS JetStream: any number of coordinators may share the job.' });
}

function natsServer() {
  const expected = 'nats://host:port or tls://host:port';
  return text(expected, (value) => {
    if (value.includes('@')) return 'holds an "@" (user and password have keys of their own)';
    const [, port = '4222'] = /^(?:nats|tls):\/\/(?:[^\s:/[\]]+|\[[0-9a-fA-F:.]+\])(?::(\d{1,5}))?$/.exec(
      value,
    ) ?? [null, '0'];
    return isPort(Number(port)) ? null : `"${value}" is no server`;
  });
}
