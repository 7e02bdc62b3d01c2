/** Maps JindoSDK's error codes to typed errors that say what to do. */
import { TidemarkError } from '../../../journal/errors.ts';
import { failedCall, unknownOutcome, type FailedCall } from '../failure.ts';

/** Names of the codes that Tidemark distinguishes (jdo_error.h). */
const NAMES = {
  1005: 'checksum',
  2002: 'timeout',
  3001: 'notFound',
  3004: 'quota',
  4102: 'parentNotFound',
  4104: 'notFound',
  4105: 'exists',
  4107: 'exists',
  4111: 'exists',
  4114: 'exists',
  4119: 'isFolder',
  4121: 'denied',
  4122: 'leaseExpired',
  4127: 'noOssHdfs',
  4129: 'beingCreated',
  5001: 'denied',
  5002: 'denied',
  5003: 'denied',
  6403: 'denied',
  6404: 'notFound',
} as const satisfies Record<number, string>;

export type JindoReason = (typeof NAMES)[keyof typeof NAMES] | 'other';

const HINTS: Readonly<Partial<Record<JindoReason, string>>> = {
  denied:
    'Check the access key, its security token and its RAM policy (docs/oss-hdfs.md), ' +
    'and the clock of this machine; Tidemark keeps trying.',
  noOssHdfs: 'Enable OSS-HDFS for the bucket (docs/oss-hdfs.md), or correct sink.path.',
  quota: 'The quota is used up: raise it or free some space; Tidemark keeps trying.',
  leaseExpired: 'Another client has taken the file over.',
  beingCreated: 'Another client has the file open.',
};

const WRONG_KEY =
  'The access key is unknown, or its secret is another one: correct sink.credentials (docs/oss-hdfs.md).';

/** JindoSDK's answer to a failed call. The store decides what it means for the part file. */
export class JindoError extends Error {
  readonly code: number;
  readonly reason: JindoReason;

  /** The access key is unknown or its secret is wrong: not a matter of policy, and not temporary. */
  readonly isWrongKey: boolean;

  constructor(code: number, what: string, told: string) {
    const message = withoutDocument(told);
    super(`${what}: JindoSDK error ${code}${message === '' ? '' : ` (${message})`}`);
    this.code = code;
    this.isWrongKey = /InvalidAccessKeyId|SignatureDoesNotMatch/.test(message);
    this.reason = code in NAMES ? NAMES[code as keyof typeof NAMES] : reasonIn(message);
  }
}

const DOCUMENT = /(?:<\?xml|<Error>).*?(?:<\/Error>|$)/gs;

/**
 * The text includes OSS's complete answer. If a signature is refused, that answer repeats the request, with
 * the security token among its headers. So only the answer's code and message are kept.
 */
function withoutDocument(told: string): string {
  return told.replaceAll(DOCUMENT, (document) =>
    ['Code', 'Message']
      .flatMap((name) => new RegExp(`<${name}>([^<]*)`).exec(document)?.[1] ?? [])
      .join(': '),
  );
}

/**
 * Some refusals arrive as a plain input/output error that names the service's own code. Other words of it may
 * hold any number.
 */
function reasonIn(message: string): JindoReason {
  if (/\berror 30026\b/.test(message)) return 'exists';
  if (/\berror 30013\b/.test(message)) return 'leaseExpired';
  if (/\berror (30015|30016)\b/.test(message)) return 'beingCreated';
  if (/\berror 30001\b/.test(message)) return 'notFound';
  if (/\b403\b|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch/.test(message)) return 'denied';
  return 'other';
}

export function isJindoError(error: unknown, ...reasons: JindoReason[]): error is JindoError {
  return error instanceof JindoError && reasons.includes(error.reason);
}

function callOf(doing: string, file: string, cause: unknown): FailedCall {
  const hint = cause instanceof JindoError ? (cause.isWrongKey ? WRONG_KEY : HINTS[cause.reason]) : undefined;
  return { doing, file, reason: cause instanceof Error ? cause.message : String(cause), hint };
}

function detailsOf(cause: unknown) {
  return { fields: { jindoCode: cause instanceof JindoError ? cause.code : null }, cause };
}

/** The call failed, without an effect that matters. */
export function unavailable(doing: string, uri: string, cause: unknown): TidemarkError {
  if (cause instanceof TidemarkError) return cause;
  const isWrongKey = cause instanceof JindoError && cause.isWrongKey;
  return failedCall(isWrongKey ? 'refused' : 'unavailable', callOf(doing, uri, cause), detailsOf(cause));
}

/** It is unknown whether the call took effect. */
export function outcomeUnknown(doing: string, uri: string, cause: unknown): TidemarkError {
  if (cause instanceof TidemarkError) return cause;
  return unknownOutcome(callOf(doing, uri, cause), 'Whether it took effect', detailsOf(cause));
}

/** For a call that changes something: if the service refused it, it had no effect. */
export function refusedOrUnknown(doing: string, uri: string, cause: unknown): TidemarkError {
  const isRefused = isJindoError(cause, 'denied', 'noOssHdfs', 'quota');
  return isRefused ? unavailable(doing, uri, cause) : outcomeUnknown(doing, uri, cause);
}
