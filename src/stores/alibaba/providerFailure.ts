/**
 * What of a provider's failure may be told. The library's messages repeat whole answers, which may hold keys;
 * so only codes, numbers and the texts of STS are taken from them, and the error itself is no cause.
 */
import { StoreFailure } from '../failure.ts';
import type { ChainLink } from './providerConfig.ts';

/** Answers that mean: later. */
const LATER = /^(408|429|5\d\d)$|^Throttling|^ServiceUnavailable|^InternalError/;

/** `refused` if the provider says no, `unavailable` if it does not answer or says later. */
export function providerFailure(provider: ChainLink['provider'], error: unknown): StoreFailure {
  const { reason, answer } = readFailure(provider, error);
  const isRefusal = answer === null ? false : !LATER.test(answer);
  const message =
    `There are no new keys for the destination: provider ${provider}: ${reason}. ` +
    'Check sink.credentials (docs/credentials.md).';
  return new StoreFailure(isRefusal ? 'refused' : 'unavailable', message);
}

interface Told {
  readonly reason: string;
  /** Status or code of an answer. Null if there was none, or none that can be read. */
  readonly answer: string | null;
}

function readFailure(provider: ChainLink['provider'], error: unknown): Told {
  if (!(error instanceof Error)) return { reason: 'it failed', answer: null };
  const { message, name } = error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : null;
  if ('path' in error && typeof error.path === 'string' && code !== null)
    return { reason: `${error.path} cannot be read (${code})`, answer: '400' };
  if (code !== null) return { reason: `no answer (${code})`, answer: null };
  if (/Timeout/i.test(name)) return { reason: 'no answer in time', answer: null };
  const [, stsCode = null] = /"Code"\s*:\s*"([\w.-]{1,100})"/.exec(message) ?? [];
  const isSts = provider === 'oidc' || (provider === 'profile' && stsCode !== null);
  if (isSts && stsCode !== null) {
    const [, told = ''] = /"Message"\s*:\s*"([^"\\]{0,300})/.exec(message) ?? [];
    return { reason: `STS says ${stsCode}${told === '' ? '' : ` (${told})`}`, answer: stsCode };
  }
  const [, status = null] = /(?:httpStatus: |failed(?: with)? |\s)(\d{3})(?:,|$)/.exec(message) ?? [];
  if (status !== null) return { reason: `it answers ${status}${hintOf(provider, status)}`, answer: status };
  return { reason: plainly(message), answer: provider === 'cli' ? '400' : null };
}

function hintOf(provider: ChainLink['provider'], status: string): string {
  const isNoRole = /^40[34]$/.test(status) && (provider === 'ecs-ram-role' || provider === 'profile');
  return isNoRole ? ' (does the machine have that RAM role?)' : '';
}

/** Texts of the library that are fixed. */
const PLAIN: readonly (readonly [RegExp, string])[] = [
  [/^IMDS credentials is disabled/, 'the environment sets ALIBABA_CLOUD_ECS_METADATA_DISABLED'],
  [/^no Expiration/, 'its answer does not say when the keys end'],
  [/^the type of its profile/, 'the type of its profile is none of access_key, ecs_ram_role and ram_role_arn'],
  [/^the access key secret is invalid/, 'the access key of the profile is refused'],
];

function plainly(message: string): string {
  return PLAIN.find(([pattern]) => pattern.test(message))?.[1] ?? 'its answer cannot be used';
}
