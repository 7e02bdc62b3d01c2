/** How a request fails, and what that means for a file: typed errors that say what to do. */
import { TidemarkError } from '../../../journal/errors.ts';
import { failedCall, unknownOutcome, type FailedCall } from '../failure.ts';
import { textOf } from './xml.ts';

const DOCS = '(docs/oss.md)';
const KEEPS_TRYING = 'Tidemark keeps trying.';
const WRONG_KEY = `The access key is unknown, or its secret is another one: correct sink.credentials ${DOCS}.`;

/** What to do, by OSS's own error code. */
const HINTS: Readonly<Record<string, string>> = {
  AccessDenied: `Give the RAM user or role the actions of ${DOCS.slice(1, -1)}; ${KEEPS_TRYING}`,
  InvalidAccessKeyId: WRONG_KEY,
  SignatureDoesNotMatch: WRONG_KEY,
  NoSuchBucket: 'Make the bucket, or correct sink.path.',
  UserDisable: 'The account or the access key is disabled: enable it, or pay its bill.',
  InvalidSecurityToken: `The security token is not the access key's: correct sink.credentials ${DOCS}.`,
  SecurityTokenExpired: `The temporary credentials have expired: give new ones ${DOCS}; ${KEEPS_TRYING}`,
  RequestTimeTooSkewed: `The clock of this machine is wrong by more than 15 minutes: set it; ${KEEPS_TRYING}`,
  RequestTimeout: `The link to the service is too slow or breaks off: check it; ${KEEPS_TRYING}`,
  SecondLevelDomainForbidden: 'The service wants the bucket in the host name: name a host in sink.endpoint.',
  InvalidBucketName: 'Correct the bucket in sink.path.',
  AuthorizationHeaderMalformed: 'Correct sink.region: it is not that of the bucket.',
  InvalidArgument: 'Correct sink.region and sink.endpoint if they are not those of the bucket.',
  FileImmutable: 'A retention policy (WORM) of the bucket forbids it: keep the folder out of the policy.',
  KmsServiceNotEnabled: "The bucket's encryption wants KMS: enable it; Tidemark keeps trying.",
  QpsLimitExceeded: `The bucket takes no more requests for now; ${KEEPS_TRYING}`,
  SlowDown: `The bucket takes no more requests for now; ${KEEPS_TRYING}`,
  DownloadTrafficRateLimitExceeded: `The bucket's bandwidth is used up; ${KEEPS_TRYING}`,
  UploadTrafficRateLimitExceeded: `The bucket's bandwidth is used up; ${KEEPS_TRYING}`,
};

/** The access key itself is wrong: not a matter of policy, and not temporary. */
const OF_WRONG_KEYS = new Set(['InvalidAccessKeyId', 'SignatureDoesNotMatch']);
/** Refusals that may end by themselves, although they are no errors of the server. */
const TEMPORARY = new Set(['RequestTimeout', 'SecurityTokenExpired', 'QpsLimitExceeded', 'SlowDown']);

/**
 * The service said no. Only its code and its sentence are kept: of a refused signature, the rest of the
 * answer repeats the request, and the security token with it.
 */
export class Refusal extends Error {
  readonly status: number;
  /** OSS's own, like `NoSuchUpload`. */
  readonly code: string;
  readonly requestId: string | null;

  constructor(status: number, code: string, sentence: string, requestId: string | null) {
    const by = requestId === null ? '' : `, request ${requestId}`;
    super(`OSS answered ${status} ${code}${sentence === '' ? '' : ` (${sentence})`}${by}`);
    this.status = status;
    this.code = code;
    this.requestId = requestId;
  }

  /** Whether the same request may succeed later. */
  get isTemporary(): boolean {
    return this.status >= 500 || this.status === 429 || TEMPORARY.has(this.code);
  }
}

/** No whole answer came. */
export class Unanswered extends Error {
  /** False: the service cannot have seen the request. */
  readonly mayHaveArrived: boolean;

  constructor(cause: unknown, mayHaveArrived: boolean) {
    super(cause instanceof Error ? systemText(cause) : String(cause), { cause });
    this.mayHaveArrived = mayHaveArrived;
  }
}

/** Node's message may be empty where several addresses were tried. */
function systemText(cause: Error): string {
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : null;
  return cause.message !== '' ? cause.message : (code ?? cause.name);
}

/** The service answered, and the answer is not what it has to be. */
export class BadAnswer extends Error {}

/** The HEAD of a request that was refused has no body: the document is in a header. */
export function refusalOf(
  status: number,
  headers: Readonly<Record<string, string | undefined>>,
  text: string,
): Refusal {
  const inHeader = headers['x-oss-err'];
  const document = inHeader === undefined ? text : Buffer.from(inHeader, 'base64').toString('utf8');
  const code = textOf(document, 'Code') ?? (status === 404 ? 'NoSuchKey' : 'NoCode');
  return new Refusal(status, code, textOf(document, 'Message') ?? '', headers['x-oss-request-id'] ?? null);
}

export function isRefusal(error: unknown, ...codes: readonly [string, ...string[]]): error is Refusal {
  return error instanceof Refusal && codes.includes(error.code);
}

/** Whether a call that changes something may have taken effect although it failed. */
function mayHaveTakenEffect(cause: unknown): boolean {
  if (cause instanceof Refusal) return cause.status >= 500;
  return !(cause instanceof Unanswered) || cause.mayHaveArrived;
}

function callOf(doing: string, file: string, cause: unknown): FailedCall {
  const hint = cause instanceof Refusal ? HINTS[cause.code] : undefined;
  return { doing, file, reason: cause instanceof Error ? cause.message : String(cause), hint };
}

/** An error of the program itself must not pass for one of the service, which is tried again. */
function expectNoBug(cause: unknown): void {
  if (cause instanceof TypeError || cause instanceof ReferenceError) throw cause;
}

function detailsOf(cause: unknown) {
  const refusal = cause instanceof Refusal ? cause : null;
  return { fields: { ossCode: refusal?.code ?? null, ossRequestId: refusal?.requestId ?? null }, cause };
}

/** The call failed, without an effect that matters. */
export function unavailable(doing: string, uri: string, cause: unknown): TidemarkError {
  if (cause instanceof TidemarkError) return cause;
  expectNoBug(cause);
  const isWrongKey = cause instanceof Refusal && OF_WRONG_KEYS.has(cause.code);
  return failedCall(isWrongKey ? 'refused' : 'unavailable', callOf(doing, uri, cause), detailsOf(cause));
}

/** It is not known whether the call took effect. */
export function outcomeUnknown(doing: string, uri: string, cause: unknown): TidemarkError {
  if (cause instanceof TidemarkError) return cause;
  expectNoBug(cause);
  return unknownOutcome(callOf(doing, uri, cause), 'Whether it took effect', detailsOf(cause));
}

/** For a call that changes something: if the service refused it, it had no effect. */
export function refusedOrUnknown(doing: string, uri: string, cause: unknown): TidemarkError {
  return mayHaveTakenEffect(cause) ? outcomeUnknown(doing, uri, cause) : unavailable(doing, uri, cause);
}
