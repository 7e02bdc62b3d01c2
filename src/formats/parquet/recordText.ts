/** What the row of a record must be in a file, as a text (rowText.ts): from its bytes alone, by the schema. */
import { TidemarkError } from '../../../journal/errors.ts';
import type { BadValue } from './badValue.ts';
import type { Column } from './column.ts';
import { HeldEntries } from './columnEntries.ts';
import { type EnvelopeRecord, EnvelopeWriter } from './envelope.ts';
import { RecordReader } from './recordReader.ts';
import { shapeOfSchema } from './rowShape.ts';
import { RowTexts } from './rowText.ts';
import { checkedSchema, type ParquetSchema } from './schema.ts';
import { schemaTree } from './schemaTree.ts';

/** Of each row: nothing is left of the one before. */
const ROW = 1;

/** A flyweight: its columns hold one row, and keep their memory for the next one. */
export class RecordText {
  readonly #columns: readonly Column[];
  readonly #entries: readonly HeldEntries[];
  readonly #rows: RowTexts;
  readonly #reader: RecordReader;
  readonly #envelope: EnvelopeWriter | null;

  /** Throws CONFIG_INVALID if a Parquet file cannot have the schema. */
  constructor(schema: ParquetSchema) {
    const root = schemaTree(checkedSchema(schema));
    this.#columns = root.columns;
    this.#entries = root.columns.map((column) => new HeldEntries(column));
    this.#rows = new RowTexts(shapeOfSchema(schema), this.#entries);
    this.#reader = new RecordReader(root);
    this.#envelope = EnvelopeWriter.over(schema, root);
  }

  /** Of the JSON object bytes[start, end); or why it does not fit. */
  ofJson(bytes: Uint8Array, start: number, end: number): string | BadValue {
    return this.#taken(this.#reader.read(bytes, start, end, ROW));
  }

  /** Of a record as it is; for `recordEnvelope` alone. @param topic UTF-8. */
  ofRecord(topic: Uint8Array, partition: number, record: EnvelopeRecord): string | BadValue {
    if (this.#envelope === null) throw new TidemarkError('INTERNAL', 'The schema is no record envelope.');
    return this.#taken(this.#envelope.append(topic, partition, record, ROW));
  }

  #taken(problem: BadValue | null): string | BadValue {
    if (problem !== null) return problem;
    for (const entries of this.#entries) entries.rewind();
    const text = this.#rows.next();
    for (const column of this.#columns) column.clear();
    return text;
  }
}
