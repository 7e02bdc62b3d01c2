/** Local files as a source: a file is a topic with one partition, a line is a record. */
import path from 'node:path';
import type { z } from 'zod';
import { hasScheme, shellOnlyProblem } from '../../../kernels/schema/outside.ts';
import { map } from '../../../kernels/schema/parts.ts';
import { text } from '../../../kernels/schema/values.ts';
import { openFiles } from '../../system/openFilesMax.ts';
import type { SourceKind } from '../kind.ts';

export interface FileSourceConfig {
  readonly type: 'file';
  /**
   * Glob relative to the job folder (`baseDir`), normalized; `../` allowed. The relative path is the topic.
   */
  readonly pattern: string;
  /** The keys that lead to the time in a line's JSON (milliseconds or ISO text). Null: the file's mtime. */
  readonly timePath: readonly string[] | null;
}

type ParsedFile = z.output<ReturnType<typeof fileSchema>>;

export const FILE_SOURCE: SourceKind<FileSourceConfig, ParsedFile> = {
  name: 'file',
  schema: fileSchema,
  toConfig({ path: pattern, time }, { baseDir }) {
    const relative = path.isAbsolute(pattern) ? path.relative(baseDir, pattern) : path.normalize(pattern);
    return { type: 'file', pattern: relative.replaceAll(path.sep, '/'), timePath: time?.split('.') ?? null };
  },
  isShared: false,
  holdsFiles: true,
  async open({ pattern, timePath }, { baseDir, log, clock, choices, memory, conditions }) {
    const { createFileSource } = await import('./source.ts');
    return createFileSource({
      ...{ baseDir, pattern, clock, log, conditions, ...choices },
      time: timePath === null ? null : timePath.join('.'),
      handlesMax: openFiles(true).sourcesMax,
      ...(memory === undefined ? {} : { readBytesMax: memory.shares.fetchBytes }),
    });
  },
  async survey(config, opening) {
    const { createFileSurveyor } = await import('./survey.ts');
    return createFileSurveyor(await FILE_SOURCE.open(config, opening));
  },
  async probe({ pattern }, { baseDir }) {
    const { filesProbe } = await import('./probe.ts');
    return filesProbe({ baseDir, pattern, filesMax: openFiles(true).sourcesMax });
  },
  startFrom: () => ({ type: 'earliest' }),
  meaning: ({ type, pattern, timePath }) => ({ type, pattern, timePath }),
  describe: ({ pattern }) => `files ${pattern}`,
};

function fileSchema() {
  return map({
    path: text('a file or a pattern of files, like data/*.ndjson', (value) =>
      hasScheme(value) ? `"${value}" is a URL` : shellOnlyProblem(value),
    ).meta({
      description:
        'Files to read, with *, ** and ?. A file is a topic named by its path relative to the job file.',
      examples: ['data/*.ndjson'],
    }),
    time: text('the keys that lead to the time, like properties.time', (value) =>
      value.split('.').includes('') ? `"${value}" has an empty key` : null,
    )
      .optional()
      .meta({
        description:
          "Keys that lead to a line's time in its JSON: milliseconds since 1970 or an ISO text. Without " +
          "it the file's modification time counts.",
      }),
  }).meta({ description: 'Files, one record a line.' });
}
