/**
 * Which provider of Alibaba's gives the credentials, and what it needs, resolved from the job file and the
 * environment. Whatever the job file leaves out is taken as Alibaba's SDKs take it.
 */
import path from 'node:path';
import { shellOnlyProblem, type SchemaContext } from '../../../kernels/schema/outside.ts';
import { eitherOf, isMap, type KeyProblem } from '../../../kernels/schema/parts.ts';
import { Secret } from '../../../kernels/schema/secret.ts';
import {
  environmentCredentials,
  missingFromEnvironment,
  type Environment,
  type OssCredentials,
} from './credentials.ts';

export const PROVIDERS = ['default', 'env', 'profile', 'ecs-ram-role', 'oidc', 'uri'] as const;
type ProviderName = (typeof PROVIDERS)[number];

export interface ProfileProvider {
  readonly provider: 'profile';
  readonly file: string;
  readonly profile: string;
  /** For a profile that assumes a role: host of STS, with a port where it is not 443. */
  readonly stsEndpoint: string;
}

export interface EcsProvider {
  readonly provider: 'ecs-ram-role';
  /** Null: the metadata server is asked for it. */
  readonly roleName: string | null;
}

export interface OidcProvider {
  readonly provider: 'oidc';
  readonly roleArn: string;
  readonly oidcProviderArn: string;
  /** Read again for each new token. */
  readonly oidcTokenFile: string;
  readonly roleSessionName: string;
  readonly stsEndpoint: string;
}

export interface UriProvider {
  readonly provider: 'uri';
  /** Whoever knows it can get the keys. */
  readonly uri: Secret;
}

/** The first that gives keys is kept. */
export interface DefaultChain {
  readonly provider: 'default';
  readonly chain: readonly ChainLink[];
}

export type ChainLink =
  | ProfileProvider
  | EcsProvider
  | OidcProvider
  | UriProvider
  | { readonly provider: 'env'; readonly credentials: OssCredentials }
  /** The profile of Alibaba's command line (~/.aliyun/config.json), as its library reads it. */
  | { readonly provider: 'cli' };

export type ProviderConfig = ProfileProvider | EcsProvider | OidcProvider | UriProvider | DefaultChain;

/** What each provider reads besides `provider`. */
const KEYS_OF: Readonly<Record<ProviderName, readonly string[]>> = {
  default: [],
  env: [],
  profile: ['profile', 'profileFile', 'stsEndpoint'],
  'ecs-ram-role': ['roleName'],
  oidc: ['roleArn', 'oidcProviderArn', 'oidcTokenFile', 'roleSessionName', 'stsEndpoint'],
  uri: ['uri'],
};
const STATIC_KEYS = ['accessKeyId', 'accessKeySecret', 'securityToken'];

const VARIABLE = {
  roleArn: 'ALIBABA_CLOUD_ROLE_ARN',
  oidcProviderArn: 'ALIBABA_CLOUD_OIDC_PROVIDER_ARN',
  oidcTokenFile: 'ALIBABA_CLOUD_OIDC_TOKEN_FILE',
  roleSessionName: 'ALIBABA_CLOUD_ROLE_SESSION_NAME',
  roleName: 'ALIBABA_CLOUD_ECS_METADATA',
  uri: 'ALIBABA_CLOUD_CREDENTIALS_URI',
  profile: 'ALIBABA_CLOUD_PROFILE',
  profileFile: 'ALIBABA_CLOUD_CREDENTIALS_FILE',
} as const;
const STS_ENDPOINT = 'ALIBABA_CLOUD_STS_ENDPOINT';
const STS_REGION = 'ALIBABA_CLOUD_STS_REGION';
const STS_VPC = 'ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED';
const ECS_DISABLED = 'ALIBABA_CLOUD_ECS_METADATA_DISABLED';
const CLI_DISABLED = 'ALIBABA_CLOUD_CLI_PROFILE_DISABLED';
const SESSION_NAME = 'tidemark';

/** Keys below `sink.credentials`, which may be invalid by themselves. */
type Keys = Readonly<Record<string, unknown>>;

/** Missing keys, keys of another provider, files that cannot be read. */
export function credentialProblems(value: unknown, context: SchemaContext): KeyProblem[] {
  if (value === undefined) return missingFromEnvironment(context.env);
  if (!isMap(value)) return [];
  const { provider } = value;
  const at = (key: string, message: string): KeyProblem => ({ key: ['credentials', key], message });
  if (provider === undefined) return staticProblems(value, at);
  const name = PROVIDERS.find((one) => one === provider);
  if (name === undefined) return [];
  const strangers = [...STATIC_KEYS, ...new Set(Object.values(KEYS_OF).flat())]
    .filter((key) => value[key] !== undefined && !KEYS_OF[name].includes(key))
    .map((key) => at(key, `${belongs(key)}, and the provider is ${name}; expected one without the other`));
  return [...strangers, ...problemsOf(name, value, context, at)];
}

type At = (key: string, message: string) => KeyProblem;

function staticProblems(value: Keys, at: At): KeyProblem[] {
  const strangers = Object.values(KEYS_OF)
    .flat()
    .filter((key, index, all) => all.indexOf(key) === index && value[key] !== undefined)
    .map((key) => at(key, `${belongs(key)}, and there is none; expected sink.credentials.provider, too`));
  if (strangers.length > 0) return strangers;
  return ['accessKeyId', 'accessKeySecret']
    .filter((key) => value[key] === undefined)
    .map((key) => at(key, 'is missing; expected a text or { env: VARIABLE }'));
}

function belongs(key: string): string {
  const owners = PROVIDERS.filter((name) => KEYS_OF[name].includes(key));
  return owners.length === 0 ? 'is a key of its own' : `belongs to the provider ${eitherOf(owners)}`;
}

function problemsOf(name: ProviderName, value: Keys, context: SchemaContext, at: At): KeyProblem[] {
  const { env } = context;
  const lacks = (key: 'roleArn' | 'oidcProviderArn' | 'oidcTokenFile' | 'uri'): KeyProblem[] =>
    value[key] === undefined && setIn(env, VARIABLE[key]) === null
      ? [at(key, `is missing, and the environment does not set ${VARIABLE[key]}; expected one of the two`)]
      : [];
  switch (name) {
    case 'env':
      return missingFromEnvironment(env);
    case 'oidc': {
      const missing = [...lacks('roleArn'), ...lacks('oidcProviderArn'), ...lacks('oidcTokenFile')];
      const file = value['oidcTokenFile'] === undefined ? setIn(env, VARIABLE.oidcTokenFile) : null;
      if (file !== null && !context.isReadableFile(file))
        missing.push(at('oidcTokenFile', unreadable(VARIABLE.oidcTokenFile, file)));
      return missing;
    }
    case 'uri': {
      const given = setIn(env, VARIABLE.uri);
      const wrong = value['uri'] === undefined && given !== null && !isHttpUrl(given);
      return wrong ? [at('uri', `${VARIABLE.uri} of the environment ${NO_URL}`)] : lacks('uri');
    }
    case 'profile': {
      if (value['profileFile'] !== undefined) return [];
      const file = profileFileOf(env);
      if (file === null)
        return [at('profileFile', 'is missing, and this user has no home folder; expected a file')];
      const from = setIn(env, VARIABLE.profileFile) === null ? 'without this key' : VARIABLE.profileFile;
      return context.isReadableFile(file) ? [] : [at('profileFile', unreadable(from, file))];
    }
    case 'default':
    case 'ecs-ram-role':
      return [];
  }
}

/** What is wrong with a URI, without its text. */
export const NO_URL = 'is no http or https URL; expected one, like http://127.0.0.1:6080/keys';

export function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function unreadable(from: string, file: string): string {
  const wrong = shellOnlyProblem(file) ?? `names ${file}, which cannot be read`;
  return `(${from}) ${wrong}; expected a readable file`;
}

/** The keys of a provider, each valid by itself. */
export interface ProviderKeys {
  readonly profile?: string | undefined;
  readonly profileFile?: string | undefined;
  readonly roleName?: string | undefined;
  readonly roleArn?: string | undefined;
  readonly oidcProviderArn?: string | undefined;
  readonly oidcTokenFile?: string | undefined;
  readonly roleSessionName?: string | undefined;
  readonly stsEndpoint?: string | undefined;
  readonly uri?: Secret | undefined;
}

/** Null if something is missing. */
export function providerConfig(
  name: Exclude<ProviderName, 'env'>,
  keys: ProviderKeys,
  env: Environment,
): ProviderConfig | null {
  switch (name) {
    case 'default':
      return { provider: 'default', chain: chainOf(env) };
    case 'ecs-ram-role':
      return { provider: name, roleName: keys.roleName ?? setIn(env, VARIABLE.roleName) };
    case 'oidc':
      return oidcOf(keys, env);
    case 'uri':
      return uriOf(keys, env);
    case 'profile':
      return profileOf(keys, env);
  }
}

function profileOf(keys: ProviderKeys, env: Environment): ProfileProvider | null {
  const file = keys.profileFile ?? profileFileOf(env);
  const profile = keys.profile ?? setIn(env, VARIABLE.profile) ?? 'default';
  return file === null ? null : { provider: 'profile', file, profile, stsEndpoint: stsOf(keys, env) };
}

function oidcOf(keys: ProviderKeys, env: Environment): OidcProvider | null {
  const roleArn = keys.roleArn ?? setIn(env, VARIABLE.roleArn);
  const oidcProviderArn = keys.oidcProviderArn ?? setIn(env, VARIABLE.oidcProviderArn);
  const oidcTokenFile = keys.oidcTokenFile ?? setIn(env, VARIABLE.oidcTokenFile);
  if (roleArn === null || oidcProviderArn === null || oidcTokenFile === null) return null;
  const roleSessionName = keys.roleSessionName ?? setIn(env, VARIABLE.roleSessionName) ?? SESSION_NAME;
  const role = { roleArn, oidcProviderArn, oidcTokenFile, roleSessionName };
  return { provider: 'oidc', ...role, stsEndpoint: stsOf(keys, env) };
}

function uriOf(keys: ProviderKeys, env: Environment): UriProvider | null {
  const given = setIn(env, VARIABLE.uri);
  const uri = keys.uri ?? (given !== null && isHttpUrl(given) ? new Secret(given) : null);
  return uri === null ? null : { provider: 'uri', uri };
}

/** In the order of Alibaba's SDKs. */
function chainOf(env: Environment): ChainLink[] {
  const credentials = environmentCredentials(env);
  return [
    credentials === null ? null : { provider: 'env' as const, credentials },
    oidcOf({}, env),
    isTrue(env, CLI_DISABLED) ? null : { provider: 'cli' as const },
    profileOf({}, env),
    isTrue(env, ECS_DISABLED)
      ? null
      : { provider: 'ecs-ram-role' as const, roleName: setIn(env, VARIABLE.roleName) },
    uriOf({}, env),
  ].filter((link) => link !== null);
}

function stsOf(keys: ProviderKeys, env: Environment): string {
  const given = keys.stsEndpoint ?? setIn(env, STS_ENDPOINT)?.replace(/^https:\/\//, '') ?? null;
  const region = setIn(env, STS_REGION);
  if (given !== null) return given;
  if (region === null) return 'sts.aliyuncs.com';
  return `${isTrue(env, STS_VPC) ? 'sts-vpc' : 'sts'}.${region}.aliyuncs.com`;
}

function profileFileOf(env: Environment): string | null {
  const home = setIn(env, 'HOME');
  const usual = home === null ? null : path.join(home, '.alibabacloud', 'credentials');
  return setIn(env, VARIABLE.profileFile) ?? usual;
}

function setIn(env: Environment, name: string): string | null {
  const value = env[name];
  return value === undefined || value === '' ? null : value;
}

function isTrue(env: Environment, name: string): boolean {
  return setIn(env, name)?.toLowerCase() === 'true';
}

/** For people, without any secret. */
export function providerText(config: ProviderConfig): string {
  switch (config.provider) {
    case 'default':
      return `provider default (${config.chain.map(({ provider }) => provider).join(', ')})`;
    case 'ecs-ram-role':
      return `provider ecs-ram-role (${config.roleName ?? 'the role of this machine'})`;
    case 'oidc':
      return `provider oidc (${config.roleArn}, by ${config.stsEndpoint})`;
    case 'uri':
      return `provider uri (${new URL(config.uri.reveal()).host})`;
    case 'profile':
      return `provider profile (${config.profile} in ${config.file})`;
  }
}
