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
  return ofSystem(error) ?? ofSts(provider, error.message) ?? ofAnswer(provider, error.message);
}

/** A file that cannot be read, or a server that does not answer. */
function ofSystem(error: Error): Told | null {
  const { code = null, path = null } = error as NodeJS.ErrnoException;
  if (code !== null && path !== null) return { reason: `${path} cannot be read (${code})`, answer: code };
  if (code !== null) return { reason: `no answer (${code})`, answer: null };
  return /Timeout/i.test(error.name) ? { reason: 'no answer in time', answer: null } : null;
}

/** Only STS's own texts are known to hold no key. */
function ofSts(provider: ChainLink['provider'], message: string): Told | null {
  const [, code] = /"Code"\s*:\s*"([\w.-]{1,100})"/.exec(message) ?? [];
  if (code === undefined || (provider !== 'oidc' && provider !== 'profile')) return null;
  const [, told = ''] = /"Message"\s*:\s*"([^"\\]{0,300})/.exec(message) ?? [];
  return { reason: `STS says ${code}${told === '' ? '' : ` (${told})`}`, answer: code };
}

function ofAnswer(provider: ChainLink['provider'], message: string): Told {
  const [, status] = /(?:httpStatus: |failed with |\s)(\d{3})(?:,|$)/.exec(message) ?? [];
  if (status !== undefined)
    return { reason: `it answers ${status}${hintOf(provider, status)}`, answer: status };
  // The command line's profile is a file: it does not become right by itself.
  return { reason: plainly(message), answer: provider === 'cli' ? 'file' : null };
}

function hintOf(provider: ChainLink['provider'], status: string): string {
  const isNoRole = /^40[34]$/.test(status) && (provider === 'ecs-ram-role' || provider === 'profile');
  return isNoRole ? ' (does the machine have that RAM role?)' : '';
}

/** Texts of the library that are fixed. */
const PLAIN: readonly (readonly [RegExp, string])[] = [
  [/^IMDS credentials is disabled/, 'the environment sets ALIBABA_CLOUD_ECS_METADATA_DISABLED'],
  [/^no Expiration/, 'its answer does not say when the keys end'],
  [
    /^the type of its profile/,
    'the type of its profile is none of access_key, ecs_ram_role and ram_role_arn',
  ],
  [/^the access key secret is invalid/, 'the access key of the profile is refused'],
];

function plainly(message: string): string {
  return PLAIN.find(([pattern]) => pattern.test(message))?.[1] ?? 'its answer cannot be used';
}
