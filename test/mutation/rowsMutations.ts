/** What is wrong about files that hold rows, and the rows files beside them. */
import { patch, type Mutation } from './mutation.ts';

const BUFFER = 'src/writing/rowBuffer.ts';
const PART_FILES = 'src/partition/partFiles.ts';

export const ROWS_MUTATIONS: readonly Mutation[] = [
  {
    name: 'a file that is taken over ends without the rows that are in no group',
    store: 'file',
    seed: 11,
    foundAt: 48,
    patches: [patch('src/partition/takeOver.ts', `[...pages, encoder.footer()]`, `[encoder.footer()]`)],
  },
  {
    name: 'the rows file is not made durable',
    store: 'file',
    seed: 11,
    patches: [patch(BUFFER, `    await scratch.persist();\n`, ``)],
  },
  {
    name: 'the rows file of a published file is not removed',
    store: 'oss',
    seed: 11,
    foundAt: 8,
    patches: [
      patch(
        'src/partition/publisher.ts',
        `withRowsFiles(format, [temporaryUri, ...staleUris])`,
        `[temporaryUri, ...staleUris]`,
      ),
    ],
  },
  {
    name: 'the rows file of a file that was moved is forgotten',
    store: 'oss-hdfs',
    seed: 11,
    foundAt: 109,
    patches: [
      patch('actors/partFile.ts', `state === 'inProgress' && !hasRowsFile(format)`, `state === 'inProgress'`),
    ],
  },
  {
    name: 'a rows file is created after its epoch was over, and left',
    store: 'file',
    schedule: 'a-rows-file-of-an-epoch-that-is-over',
    patches: [
      patch(
        PART_FILES,
        `const names = withRowsFiles(format, [target.temporaryUri]);`,
        `const names = [target.temporaryUri];`,
      ),
      patch(
        PART_FILES,
        `if (status === 'open') await store.discard(withRowsFiles(format, [part.temporaryUri]), part.startHandle);`,
        `if (status === 'open') await store.discard([part.temporaryUri], part.startHandle);`,
      ),
    ],
  },
  {
    name: 'rows of an earlier owner are not in the new rows file',
    store: 'oss-hdfs',
    seed: 11,
    foundAt: 298,
    patches: [
      patch(
        'src/formats/parquet/rowEncoder.ts',
        `    this.#encoder.appendTail(piece);\n`,
        `    this.#encoder.appendTail(piece);\n    this.#logged = this.#encoder.tailMark();\n`,
      ),
    ],
  },
  {
    name: 'a record that cannot be a row counts as written',
    store: 'file',
    seed: 11,
    foundAt: 2,
    patches: [
      patch(
        'src/writing/recordRouter.ts',
        `?? writer.appendRow(cursor, base, delta)`,
        `?? [writer.appendRow(cursor, base, delta)].find((reason) => reason === null) ?? null`,
      ),
    ],
  },
  {
    name: 'a group of rows begins anew in the file after a takeover',
    store: 'oss-hdfs',
    seed: 11,
    foundAt: 577,
    patches: [
      patch(
        'src/formats/parquet/rowLog.ts',
        `new ParquetRowEncoder(file, rowGroups)`,
        `new ParquetRowEncoder(file, rowGroups.slice(0, 0))`,
      ),
      patch(
        'src/partition/readRows.ts',
        `lengthBytes === durable.length && count === durable.records`,
        `lengthBytes <= durable.length`,
      ),
    ],
  },
];
