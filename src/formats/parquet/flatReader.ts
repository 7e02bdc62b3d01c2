/**
 * The record path's second implementation for flat schemas: the usual records are taken apart by a kernel
 * (kernels/flatRecords.ts), which gathers their values in a stage that all encoders share. They go to the
 * columns when it is full, and before anybody looks at the columns. The first implementation is
 * recordReader.ts, which reads all others.
 */
import { asTidemarkError, type TidemarkError } from '../../../journal/errors.ts';
import {
  FLAT_FIELDS_MAX,
  FlatRecords,
  STAGE_BYTES_MAX,
  STAGE_RECORDS_MAX,
  type FlatField,
  type FlatType,
} from '../../../kernels/flatRecords.ts';
import { KIND } from './columnShape.ts';
import { NODE, type SchemaNode } from './schemaTree.ts';

/** Of kinds whose usual form is a literal of JSON, or text that is taken as it is. */
const TYPES: Readonly<Record<number, FlatType>> = {
  [KIND.string]: 'string',
  [KIND.int]: 'int32',
  [KIND.date]: 'int32',
  [KIND.long]: 'int64',
  [KIND.timestamp]: 'int64',
  [KIND.double]: 'double',
  [KIND.boolean]: 'boolean',
};
/** Where fewer records follow one another the stage costs more than it saves: then so many go without it. */
const RUN_WORTH = 16;
const RECORDS_WITHOUT = 64;
const SCHEMAS_KEPT = 8;
const NO_LEVELS = new Uint8Array(0);

const kernels = new Map<string, FlatRecords>();
/** Whose records are in the stage; null if it is empty. One that is given up is kept until the next one. */
let owner: FlatReader | null = null;

export class FlatReader {
  readonly #root: SchemaNode;
  readonly #kernel: FlatRecords;
  #records = 0;
  #bytes = 0;
  /** Records that the kernel has read one after the other. */
  #run = 0;
  #withoutLeft = 0;
  #failure: TidemarkError | null = null;
  /** Records that the kernel has read. */
  recordsRead = 0;

  private constructor(root: SchemaNode, kernel: FlatRecords) {
    this.#root = root;
    this.#kernel = kernel;
  }

  /** Null if the schema is not flat, or has types that are not usual. @param digest of the schema. */
  static over(root: SchemaNode, digest: string): FlatReader | null {
    const fields = root.children.flatMap((node) => flatField(node) ?? []);
    if (fields.length < root.children.length || fields.length > FLAT_FIELDS_MAX) return null;
    return new FlatReader(root, kernelOf(digest, fields));
  }

  /** Takes the record bytes[start, end), or leaves it: then the stage is empty, and nothing has changed. */
  read(bytes: Buffer, start: number, end: number): boolean {
    if (this.#failure !== null) throw this.#failure;
    if (this.#withoutLeft > 0) {
      this.#withoutLeft -= 1;
      return false;
    }
    const length = end - start;
    if (owner !== this || this.#records === STAGE_RECORDS_MAX || this.#bytes + length > STAGE_BYTES_MAX)
      this.#begin();
    if (length > STAGE_BYTES_MAX || !this.#kernel.add(bytes, start, end)) {
      this.#endRun();
      this.settle();
      return false;
    }
    this.#run += 1;
    this.#records += 1;
    this.#bytes += length;
    return true;
  }

  /** Moves what is in the stage to the columns. Throws if that fails, or has failed before. */
  settle(): void {
    this.measure();
    if (this.#failure !== null) throw this.#failure;
  }

  /** The same, for who only wants to know how much memory the columns take: a failure is told by `settle`. */
  measure(): void {
    if (owner !== this) return;
    ownedBy(null);
    try {
      this.#moveToColumns(this.#records);
    } catch (cause) {
      // Where memory is short, some columns have the records and others have not.
      this.#failure = asTidemarkError(cause, 'Moving rows to their columns');
    }
  }

  #moveToColumns(records: number): void {
    for (const [index, { column }] of this.#root.children.entries()) {
      const { levels, values } = this.#kernel.column(index);
      const nulls = column.maxDef === 0 ? 0 : zerosIn(levels);
      column.addSpan({
        ...{ entries: records, values: records - nulls, bytes: values },
        ...{ defs: levels, reps: NO_LEVELS },
      });
    }
    this.recordsRead += records;
  }

  /** Another file's records come, or one that is not usual. Of a failure its own file hears. */
  #endRun(): void {
    this.measure();
    if (this.#run < RUN_WORTH) this.#withoutLeft = RECORDS_WITHOUT;
    this.#run = 0;
  }

  #begin(): void {
    if (owner === this) this.settle();
    else if (owner !== null) owner.#endRun();
    this.#kernel.begin();
    this.#records = 0;
    this.#bytes = 0;
    ownedBy(this);
  }
}

function ownedBy(reader: FlatReader | null): void {
  owner = reader;
}

function flatField({ kind, column, usualKey, isOptional }: SchemaNode): FlatField | undefined {
  const type = TYPES[column.kind];
  return kind !== NODE.leaf || type === undefined ? undefined : { usualKey, type, isOptional };
}

function kernelOf(digest: string, fields: readonly FlatField[]): FlatRecords {
  const known = kernels.get(digest);
  if (known !== undefined) return known;
  if (kernels.size >= SCHEMAS_KEPT) kernels.clear();
  const made = new FlatRecords(fields);
  kernels.set(digest, made);
  return made;
}

function zerosIn(levels: Uint8Array): number {
  let zeros = 0;
  for (let index = 0; index < levels.length; index += 1) zeros += 1 - (levels[index] ?? 0);
  return zeros;
}
