/**
 * Names of jobs and partitions in a journal. Kafka names may contain dots, file names anything, so tokens are
 * encoded.
 */
import type { JobName, Subject, TopicPartition } from './ids.ts';
import { TidemarkError } from './errors.ts';
import { JournalFailure } from './failure.ts';

/**
 * Injective: letters, digits and `-` are kept, every other UTF-8 byte becomes `_XX`, the empty text becomes
 * `_`. Throws CONFIG_INVALID for text with a lone surrogate: it has no UTF-8 form, so two such names would
 * share a token.
 */
export function encodeToken(text: string): string {
  if (!text.isWellFormed()) {
    throw new TidemarkError(
      'CONFIG_INVALID',
      `The name ${JSON.stringify(text)} is not valid Unicode: rename it.`,
    );
  }
  if (text === '') return '_';
  let token = '';
  for (const byte of new TextEncoder().encode(text)) {
    const char = String.fromCharCode(byte);
    token += /[A-Za-z0-9-]/.test(char) ? char : `_${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return token;
}

/** The inverse of encodeToken. Throws JOURNAL_CORRUPT for anything that encodeToken never writes. */
export function decodeToken(token: string): string {
  if (token === '_') return '';
  if (!/^([A-Za-z0-9-]|_[0-9A-F]{2})+$/.test(token)) throw foreignName(token);
  const bytes: number[] = [];
  for (let at = 0; at < token.length; at += 1) {
    if (token[at] === '_') {
      bytes.push(Number.parseInt(token.slice(at + 1, at + 3), 16));
      at += 2;
    } else bytes.push(token.charCodeAt(at));
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
  } catch (cause) {
    throw foreignName(token, cause);
  }
}

function foreignName(name: string, cause?: unknown): TidemarkError {
  return new JournalFailure('corrupt', `The journal holds a subject that Tidemark did not name: "${name}".`, {
    cause,
  });
}

/**
 * Prefix of all subjects of a job. Subjects have 3 or 4 tokens: job, kind, and for partitions topic and
 * number.
 */
export function jobPrefix(job: JobName): string {
  return `${encodeToken(job)}.`;
}

export function jobSubject(job: JobName): Subject {
  return `${jobPrefix(job)}job.life` as Subject;
}

export function partitionSubject(job: JobName, { topic, partition }: TopicPartition): Subject {
  return `${jobPrefix(job)}partition.${encodeToken(topic)}.${partition}` as Subject;
}

/** Where operators file requests to the owner of a partition. */
export function requestSubject(job: JobName, { topic, partition }: TopicPartition): Subject {
  return `${jobPrefix(job)}request.${encodeToken(topic)}.${partition}` as Subject;
}

/** The partition of a partition subject; null for the subject of a job or of requests. */
export function partitionOf(subject: Subject): TopicPartition | null {
  const [, kind, topic, partition, ...rest] = subject.split('.');
  if (kind !== 'partition') return null;
  if (topic === undefined || !/^\d{1,10}$/.test(partition ?? '') || rest.length > 0)
    throw foreignName(subject);
  return { topic: decodeToken(topic), partition: Number(partition) };
}
