/**
 * Every error that Tidemark raises on purpose: a stable code, a retry class, fields and the cause.
 * docs/errors.md lists the codes; a test compares the two.
 */

/**
 * What may be done after the error:
 * - `transient`: the same call may succeed later; Tidemark retries automatically.
 * - `fenced`: another owner has the partition; this epoch is over, a new claim is allowed.
 * - `operator`: the promise cannot be kept without a person's decision; the partition stops (P6).
 * - `config`: the job file or a flag is wrong; nothing was started.
 * - `bug`: a state that the protocol does not know; the partition stops.
 */
export type RetryClass = 'transient' | 'fenced' | 'operator' | 'config' | 'bug';

/** Stable codes, each with its retry class and one sentence for the operator. */
export const ERROR_CODES = {
  CONFIG_INVALID: { retry: 'config', help: 'Correct the named keys of the job file and start again.' },
  USAGE: { retry: 'config', help: 'See `tidemark --help`.' },
  GROUP_CHANGED: {
    retry: 'config',
    help: 'A job keeps its groupId; set it back, choose another job name, or move it with --move-group.',
  },
  SINK_CHANGED: {
    retry: 'config',
    help: 'A job keeps its sink; set it back, choose another job name, or move it with --move-sink.',
  },
  GROUP_IN_USE: {
    retry: 'config',
    help: 'Stop the members named, or give the job a groupId of its own.',
  },
  JOURNAL_LOCKED: {
    retry: 'config',
    help: 'Stop the other coordinator, or use a journal that several can share.',
  },
  JOURNAL_UNAVAILABLE: {
    retry: 'transient',
    help: 'Check that the journal answers; Tidemark keeps trying.',
  },
  JOURNAL_AUTHENTICATION: {
    retry: 'config',
    help: 'Correct the credentials or the tls settings of the journal.',
  },
  JOURNAL_FULL: {
    retry: 'transient',
    help: 'Make room where the journal is, as the message says; Tidemark keeps trying.',
  },
  JOURNAL_ENTRY_TOO_LARGE: { retry: 'bug', help: 'Raise the limit that the message names, and report this.' },
  JOURNAL_CORRUPT: {
    retry: 'operator',
    help: 'Restore the journal from a copy; the entry named is damaged or missing.',
  },
  JOURNAL_NEWER: {
    retry: 'operator',
    help: 'Upgrade this coordinator: a newer version writes this partition and continues it.',
  },
  JOURNAL_ROLLED_BACK: {
    retry: 'operator',
    help: 'Restore the newest journal; the one found is older than its witness.',
  },
  JOURNAL_REPLACED: { retry: 'operator', help: 'Point the job at its own journal; this one is another.' },
  WITNESS_UNREADABLE: {
    retry: 'operator',
    help: 'Upgrade, or remove the witness named, once it is certain that the journal is the newest one.',
  },
  SINK_MARKER_MISSING: {
    retry: 'operator',
    help: 'Mount the file system of the sink; nothing is written until its marker is there again.',
  },
  JOURNAL_MISSING: {
    retry: 'config',
    help: 'Run the job once, or correct the journal of the job file.',
  },
  JOURNAL_STREAM_INVALID: {
    retry: 'config',
    help: 'Correct the settings of the stream as the message says.',
  },
  JOURNAL_IMPORT_UNFINISHED: {
    retry: 'config',
    help: 'Run `tidemark journal import` again, with the same file.',
  },
  FENCED: { retry: 'fenced', help: 'Nothing to do: another coordinator owns the partition.' },
  PROTOCOL_UNEXPECTED_EVENT: { retry: 'bug', help: 'Report this with the journal of the partition.' },
  JINDOSDK_UNAVAILABLE: {
    retry: 'config',
    help: 'Name the library in sink.jindosdk.library or TIDEMARK_JINDOSDK, or run `npm run jindosdk`.',
  },
  OSS_BUCKET_VERSIONED: {
    retry: 'config',
    help: 'Choose a bucket that never had versioning: one that had ignores that files are not overwritten.',
  },
  STORE_EXISTS: { retry: 'transient', help: 'Nothing to do: another name is drawn.' },
  STORE_UNAVAILABLE: { retry: 'transient', help: 'Check the destination (space, permissions, network).' },
  STORE_AUTHENTICATION: {
    retry: 'transient',
    help: 'Correct the access key of the destination; at the start it is not tried again.',
  },
  STORE_OUTCOME_UNKNOWN: { retry: 'transient', help: 'Nothing to do: the epoch is settled anew.' },
  STORE_CONTENT_DIFFERS: {
    retry: 'operator',
    help: 'Compare the files named; remove the foreign one, then resume; or `tidemark repair`.',
  },
  STORE_FILE_MISSING: {
    retry: 'operator',
    help: 'Put the file back under one of its names, then resume; or read again: `tidemark repair`.',
  },
  REPAIR_INTERRUPTED: {
    retry: 'operator',
    help: 'Set folders and content of the job back to what they were, until the repair is done.',
  },
  STORE_HANDLE_INVALID: { retry: 'bug', help: 'Report this with the journal of the partition.' },
  SOURCE_UNAVAILABLE: {
    retry: 'transient',
    help: 'Check that the source (its brokers) answers; Tidemark keeps trying.',
  },
  SOURCE_INSTANCE_FENCED: {
    retry: 'fenced',
    help: 'Give each process a source.kafka.instanceId of its own, or start one of them alone.',
  },
  SOURCE_AUTHENTICATION: { retry: 'config', help: 'Correct the sasl or ssl settings of the source.' },
  SOURCE_BATCH_CORRUPT: {
    retry: 'operator',
    help: 'Repair the topic, or accept the loss of the named offsets.',
  },
  SOURCE_RECORD_BAD: {
    retry: 'operator',
    help: 'Correct the job file and resume, set bad.to, or give the record up: `tidemark skip-record`.',
  },
  SOURCE_BATCH_TOO_LARGE: {
    retry: 'operator',
    help: 'Raise `memory` in the job file, start again and resume; or accept the loss of the named offsets.',
  },
  SOURCE_TOPIC_MISSING: {
    retry: 'config',
    help: 'Create the topic (or the file); Tidemark never creates one.',
  },
  SOURCE_START_INVALID: {
    retry: 'config',
    help: 'Correct source.kafka.startFrom.offsets: an offset that the log holds, for each partition.',
  },
  SOURCE_UNREADABLE: {
    retry: 'operator',
    help: 'Give the user that runs Tidemark the right to read the file, or put the file back, then resume.',
  },
  SOURCE_NOT_AT_END: {
    retry: 'config',
    help: 'Look who else is in the group; then run it again.',
  },
  SOURCE_RANGE_LOST: {
    retry: 'operator',
    help: 'The source no longer has the named offsets: accept the loss, or restore.',
  },
  SOURCE_BEYOND_END: {
    retry: 'operator',
    help: 'The source ends before nextOffset: it was truncated or recreated.',
  },
  SOURCE_TRUNCATED: {
    retry: 'operator',
    help: 'Restore the log and resume, or continue with what Kafka holds now: `tidemark accept-truncation`.',
  },
  SOURCE_REPLACED: {
    retry: 'operator',
    help: 'The topic (or file, or cluster) is another than the journaled one.',
  },
  HTTP_PORT_TAKEN: {
    retry: 'config',
    help: 'Free the port, set another http.port, or leave it out: then the next free one is taken.',
  },
  HTTP_UNAVAILABLE: {
    retry: 'config',
    help: 'Correct http.host and http.port as the message says, or set `http: false`.',
  },
  STOP_INCOMPLETE: {
    retry: 'transient',
    help: 'Nothing is lost: the next run continues after the last completed checkpoint.',
  },
  REQUEST_REFUSED: { retry: 'operator', help: 'See the message; nothing was changed.' },
  INTERNAL: { retry: 'bug', help: 'Report this with the log.' },
} as const satisfies Record<string, { retry: RetryClass; help: string }>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Codes of earlier versions, which journals still name in stops, and what they are called now. */
export const FORMER_CODES: Readonly<Record<string, ErrorCode>> = {
  KAFKA_UNAVAILABLE: 'SOURCE_UNAVAILABLE',
  KAFKA_AUTHENTICATION: 'SOURCE_AUTHENTICATION',
  KAFKA_BATCH_CORRUPT: 'SOURCE_BATCH_CORRUPT',
  KAFKA_BATCH_TOO_LARGE: 'SOURCE_BATCH_TOO_LARGE',
};

/** The current name of a journaled code. A code that this version does not know is returned as it is. */
export function currentCode(journaled: string): string {
  return Object.hasOwn(FORMER_CODES, journaled) ? (FORMER_CODES[journaled] ?? journaled) : journaled;
}

/** Facts about an error, for logs and `--json`. No secrets, no payloads. Nothing is decided by them. */
export type ErrorFields = Readonly<
  Record<string, string | number | bigint | boolean | null | readonly string[]>
>;

/** What of its partition an error affects: a stop names it. */
export interface Affected {
  /** [fromOffset, toOffset); null if it is no range, or that end is unknown. */
  readonly fromOffset: bigint | null;
  readonly toOffset: bigint | null;
  readonly files: readonly string[];
  /** Where the source's log was truncated; null for every other cause. */
  readonly truncation: { readonly divergedAt: bigint; readonly leaderEpoch: number | null } | null;
}

export interface ErrorDetails {
  readonly fields?: ErrorFields;
  /** Part of the logged fields, too. */
  readonly affected?: Partial<Affected>;
  readonly cause?: unknown;
}

export class TidemarkError extends Error {
  override readonly name = 'TidemarkError';
  readonly code: ErrorCode;
  readonly retry: RetryClass;
  readonly affected: Affected;
  readonly fields: ErrorFields;

  /** @param message what happened, to what, and what to do. */
  constructor(code: ErrorCode, message: string, { fields, affected = {}, cause }: ErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.retry = ERROR_CODES[code].retry;
    const { fromOffset = null, toOffset = null, files = [], truncation = null } = affected;
    this.affected = { fromOffset, toOffset, files, truncation };
    this.fields = { ...fields, ...loggedOf(this.affected) };
  }
}

function loggedOf({ fromOffset, toOffset, files, truncation }: Affected): ErrorFields {
  return {
    ...(fromOffset === null ? {} : { fromOffset }),
    ...(toOffset === null ? {} : { toOffset }),
    ...(files.length === 0 ? {} : { files }),
    ...truncation,
  };
}

/** Returns a TidemarkError as it is and wraps any other error: unknown means stop, never continue. */
export function asTidemarkError(cause: unknown, doing: string): TidemarkError {
  if (cause instanceof TidemarkError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TidemarkError('INTERNAL', `${doing} failed unexpectedly: ${reason}`, { cause });
}

/** Whether another owner has the partition: this epoch, or this append, is over. */
export function isFenced(error: unknown): error is TidemarkError {
  return error instanceof TidemarkError && error.retry === 'fenced';
}

/** Whether the error is a TidemarkError with one of these codes. */
export function hasCode(error: unknown, ...codes: ErrorCode[]): error is TidemarkError {
  return error instanceof TidemarkError && codes.includes(error.code);
}
