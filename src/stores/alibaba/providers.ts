/**
 * Asks Alibaba's library for keys, once at a time. When they end, and when to ask again, is decided in
 * credentialSource.ts: what the library caches, it may hand out after their end.
 */
import { Secret } from '../../../kernels/schema/secret.ts';
import { StoreFailure } from '../failure.ts';
import type { GivenKeys } from './credentialSource.ts';
import type { OssCredentials } from './credentials.ts';
import { neededOf, readProfile } from './profileFile.ts';
import { providerFailure } from './providerFailure.ts';
import type {
  ChainLink,
  EcsProvider,
  OidcProvider,
  ProfileProvider,
  ProviderConfig,
  UriProvider,
} from './providerConfig.ts';

const load = () => import('@alicloud/credentials');
type Library = Awaited<ReturnType<typeof load>>;
type Session = Awaited<ReturnType<InstanceType<Library['URICredentialsProvider']>['refresher']>>;
type Ask = () => Promise<GivenKeys>;

/** The library's own are 1 s for the metadata server. */
const CONNECT_TIMEOUT_MS = 5_000;
const READ_TIMEOUT_MS = 10_000;
/** The library replaces keys of the command line's profile 15 minutes before they end. */
const CLI_AGAIN_MS = 5 * 60_000;

/** Each call asks anew. It fails with StoreFailures that hold no secret. */
export function askerOf(config: ProviderConfig): Ask {
  return config.provider === 'default' ? firstOf(config.chain) : linkOf(config);
}

function linkOf(config: ChainLink): Ask {
  switch (config.provider) {
    case 'env':
      return () => Promise.resolve(forEver(config.credentials));
    case 'oidc':
      return () => sessionOf(config.provider, (library) => oidc(library, config));
    case 'uri':
      return () => sessionOf(config.provider, (library) => uri(library, config));
    case 'ecs-ram-role':
      return () => sessionOf(config.provider, (library) => ecs(library, config));
    case 'profile':
      return () => profile(config);
    case 'cli':
      return cli();
  }
}

/** The first of the chain that gives keys; it stays the one. */
function firstOf(chain: readonly ChainLink[]): Ask {
  let asked = chain.map((link) => ({ name: link.provider, ask: linkOf(link) }));
  return async () => {
    const reasons: StoreFailure[] = [];
    for (const one of asked) {
      try {
        const given = await one.ask();
        asked = [one];
        return given;
      } catch (error) {
        if (!(error instanceof StoreFailure)) throw error;
        reasons.push(error);
      }
    }
    const isRefused = reasons.every(({ problem }) => problem === 'refused');
    const told = reasons.map(({ message }) => message).join(' ');
    const message = `No provider of the default chain gives keys for the destination. ${told}`;
    throw new StoreFailure(isRefused ? 'refused' : 'unavailable', message);
  };
}

interface Refreshing {
  refresher: () => Promise<Session>;
}

/** Past the library's cache: what it returns from there may have ended. */
async function sessionOf(
  provider: ChainLink['provider'],
  build: (library: Library) => Refreshing,
): Promise<GivenKeys> {
  let session: Session;
  try {
    session = await build(await load()).refresher();
  } catch (error) {
    throw providerFailure(provider, error);
  }
  const { accessKeyId, accessKeySecret, securityToken, expiration } = session;
  const expiresAtMs = Date.parse(expiration);
  if (Number.isNaN(expiresAtMs)) throw providerFailure(provider, new Error('no Expiration in its answer'));
  return {
    credentials: {
      accessKeyId: new Secret(accessKeyId),
      accessKeySecret: new Secret(accessKeySecret),
      securityToken: new Secret(securityToken),
    },
    expiresAtMs,
    askAgainAfterMs: null,
  };
}

function oidc({ OIDCRoleArnCredentialsProvider }: Library, config: OidcProvider): Refreshing {
  return OIDCRoleArnCredentialsProvider.builder()
    .withRoleArn(config.roleArn)
    .withOIDCProviderArn(config.oidcProviderArn)
    .withOIDCTokenFilePath(config.oidcTokenFile)
    .withRoleSessionName(config.roleSessionName)
    .withStsEndpoint(config.stsEndpoint)
    .withConnectTimeout(CONNECT_TIMEOUT_MS)
    .withReadTimeout(READ_TIMEOUT_MS)
    .build();
}

function uri({ URICredentialsProvider }: Library, config: UriProvider): Refreshing {
  return URICredentialsProvider.builder()
    .withCredentialsURI(config.uri.reveal())
    .withConnectTimeout(CONNECT_TIMEOUT_MS)
    .withReadTimeout(READ_TIMEOUT_MS)
    .build();
}

function ecs(
  { ECSRAMRoleCredentialsProvider }: Library,
  { roleName }: Pick<EcsProvider, 'roleName'>,
): Refreshing {
  return ECSRAMRoleCredentialsProvider.builder()
    .withRoleName(roleName ?? '')
    .withConnectTimeout(CONNECT_TIMEOUT_MS)
    .withReadTimeout(READ_TIMEOUT_MS)
    .build();
}

async function profile({ file, profile: name, stsEndpoint }: ProfileProvider): Promise<GivenKeys> {
  const section = await readProfile(file, name);
  const [type = ''] = neededOf(section, file, 'type');
  const key = (): readonly string[] => neededOf(section, file, 'access_key_id', 'access_key_secret');
  switch (type) {
    case 'access_key': {
      const [id = '', secret = ''] = key();
      return forEver({
        accessKeyId: new Secret(id),
        accessKeySecret: new Secret(secret),
        securityToken: null,
      });
    }
    case 'ecs_ram_role':
      return sessionOf('profile', (library) => ecs(library, { roleName: section.get('role_name') ?? null }));
    case 'ram_role_arn': {
      const [id = '', secret = ''] = key();
      const [roleArn = ''] = neededOf(section, file, 'role_arn');
      return sessionOf('profile', ({ StaticAKCredentialsProvider, RAMRoleARNCredentialsProvider }) =>
        RAMRoleARNCredentialsProvider.builder()
          .withCredentialsProvider(
            StaticAKCredentialsProvider.builder().withAccessKeyId(id).withAccessKeySecret(secret).build(),
          )
          .withRoleArn(roleArn)
          .withRoleSessionName(section.get('role_session_name') ?? 'tidemark')
          .withPolicy(section.get('policy') ?? '')
          .withStsEndpoint(stsEndpoint)
          .withConnectTimeout(CONNECT_TIMEOUT_MS)
          .withReadTimeout(READ_TIMEOUT_MS)
          .build(),
      );
    }
    default:
      throw providerFailure(
        'profile',
        new Error(`the type of its profile is none of access_key, ecs_ram_role and ram_role_arn`),
      );
  }
}

/** When its keys end is not known: the library keeps them and replaces them. */
function cli(): Ask {
  let provider: { getCredentials(): Promise<Partial<Record<keyof OssCredentials, string>>> } | null = null;
  return async () => {
    try {
      const { CLIProfileCredentialsProvider } = await load();
      provider ??= CLIProfileCredentialsProvider.builder().build();
      const { accessKeyId = '', accessKeySecret = '', securityToken = '' } = await provider.getCredentials();
      return {
        credentials: {
          accessKeyId: new Secret(accessKeyId),
          accessKeySecret: new Secret(accessKeySecret),
          securityToken: securityToken === '' ? null : new Secret(securityToken),
        },
        expiresAtMs: null,
        askAgainAfterMs: CLI_AGAIN_MS,
      };
    } catch (error) {
      throw providerFailure('cli', error);
    }
  };
}

function forEver(credentials: OssCredentials): GivenKeys {
  return { credentials, expiresAtMs: null, askAgainAfterMs: null };
}
