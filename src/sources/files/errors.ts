/** Errors about source files. Each names the file and the lines concerned. */
import type { ErrorFields, TidemarkError } from '../../../journal/errors.ts';
import { SourceFailure } from '../failure.ts';
import { partitionName } from '../../../journal/ids.ts';

/** A file as errors name it: its topic and its path. */
export interface NamedFile {
  readonly topic: string;
  readonly path: string;
}

const partition = ({ topic }: NamedFile): string => partitionName({ topic, partition: 0 });

/** The affected lines, [line, endLine), of the file. Null if unknown. */
function atLines(
  file: NamedFile,
  line: number | null,
  endLine: number | null = null,
  more: ErrorFields = {},
) {
  return {
    fields: { partition: partition(file), path: file.path, ...more },
    affected: {
      fromOffset: line === null ? null : BigInt(line),
      toOffset: endLine === null ? null : BigInt(endLine),
    },
  };
}

export function systemCodeOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** Whether the process or the machine lacks a resource. The file is not at fault, so the reader waits. */
export const isScarce = (code: string): boolean =>
  ['EMFILE', 'ENFILE', 'EAGAIN', 'EINTR', 'ENOMEM'].includes(code);

/** Whether a disk or a file server may recover from the error. */
export const mayPass = (code: string): boolean => ['ESTALE', 'EIO', 'ETIMEDOUT'].includes(code);

export const isAbsent = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes(systemCodeOf(error) ?? '');

export function noMatch(pattern: string, baseDir: string): TidemarkError {
  return new SourceFailure(
    'topicMissing',
    `No file matches ${pattern} below ${baseDir}. Correct source.file.path, or put the files there ` +
      '(hidden files match only a pattern that names the dot).',
    { fields: { pattern, baseDir } },
  );
}

/** The message names the system error only by its code. `line` is the next line to read; null if unknown. */
export function unreadable(file: NamedFile, cause: unknown, line: number | null = null): TidemarkError {
  const { topic, path } = file;
  const code = systemCodeOf(cause) ?? 'unknown';
  return new SourceFailure('unreadable', `${path} cannot be read: ${code}. ${adviceFor(code)}`, {
    ...atLines(file, line, null, { topic, systemCode: code }),
    cause,
  });
}

export function unlisted(pattern: string, cause: unknown): TidemarkError {
  return new SourceFailure(
    'unreadable',
    `Files that match ${pattern} cannot be listed: ${systemCodeOf(cause) ?? String(cause)}. New ones are ` +
      'not seen meanwhile.',
    { fields: { pattern }, cause },
  );
}

function adviceFor(code: string): string {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'Put it back.';
    case 'EACCES':
    case 'EPERM':
      return 'Give the user that runs Tidemark the right to read it.';
    case 'EISDIR':
      return 'A folder is in its place: put the file back.';
    case 'ELOOP':
      return 'Its links lead in a circle: mend them.';
    case 'EMFILE':
    case 'ENFILE':
      return 'No more files may be open: raise the limit (`ulimit -n`), or close others.';
    default:
      return 'Check the disk or the file server that holds it.';
  }
}

export function gone(file: NamedFile, line: number): TidemarkError {
  return new SourceFailure(
    'rangeLost',
    `${file.path} is gone; it was read up to line ${line}, the next one. Put it back, then resume.`,
    atLines(file, line),
  );
}

export function beyondEnd(file: NamedFile, line: number, lines: number): TidemarkError {
  return new SourceFailure(
    'beyondEnd',
    `${file.path} has ${lines} lines, and line ${line} is the next one to read (counted from 0): the ` +
      'file was truncated or rewritten. Files are only ever to be appended to. Restore it, or give the new ' +
      'content another name.',
    atLines(file, line, null, { endOffset: lines }),
  );
}

export function shrunk(file: NamedFile, line: number, byte: number, sizeBytes: number): TidemarkError {
  return new SourceFailure(
    'beyondEnd',
    `${file.path} shrank to ${sizeBytes} bytes, and line ${line} at byte ${byte} is the next one to ` +
      'read: the file was truncated. Files are only ever to be appended to. Restore it, or give the new ' +
      'content another name.',
    atLines(file, line, null, { sizeBytes }),
  );
}

export function replaced(
  file: NamedFile,
  expectedTopicId: string,
  foundTopicId: string | null,
): TidemarkError {
  return new SourceFailure(
    'replaced',
    `${file.path} is another file: ` +
      (foundTopicId === null
        ? 'it is shorter than what was seen of the one before'
        : `it begins otherwise (${foundTopicId})`) +
      ` than the one that was read (${expectedTopicId}). Its lines mean other records now: put the old ` +
      'file back, or give the new one another name.',
    { fields: { partition: partition(file), path: file.path, expectedTopicId, foundTopicId } },
  );
}

export function rewritten(file: NamedFile, line: number, byte: number): TidemarkError {
  return new SourceFailure(
    'replaced',
    `${file.path} was rewritten: line ${line} began at byte ${byte}, and no line begins there now. Files ` +
      'are only ever to be appended to. Put the old file back, or give the new one another name.',
    atLines(file, line),
  );
}

export function lineTooLong(file: NamedFile, line: number, limitBytes: number): TidemarkError {
  return new SourceFailure(
    'rangeLost',
    `Line ${line} of ${file.path} is longer than ${limitBytes} bytes, the most that one record may have. ` +
      'Split it, or accept the loss of this line.',
    atLines(file, line, line + 1),
  );
}

export function tailGrew(file: NamedFile, line: number): TidemarkError {
  return new SourceFailure(
    'rangeLost',
    `Line ${line} of ${file.path} had no newline when a bounded run (--until-end) took it for complete, ` +
      'and has grown since: its rest is in no record. End the line with a newline, append what is missing ' +
      'as a line of its own, then resume.',
    atLines(file, line, line + 1),
  );
}
