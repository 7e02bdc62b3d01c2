/** The entries of a column chunk. Its pages are taken apart one after the other; one of them is in memory. */
import { crc32 } from 'node:zlib';
import type { ColumnMetaData, Compressors, DecodedArray, PageHeader, SchemaTree } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { decompressPage, readDataPage } from 'hyparquet/src/datapage.js';
import { readPlain } from 'hyparquet/src/plain.js';
import { PAGE_CODECS } from '../compress.ts';
import type { ValueKind } from '../rowShape.ts';
import { textOfValue, type ColumnEntries, type Value } from '../rowText.ts';

const COMPRESSORS: Compressors = Object.fromEntries(
  Object.values(PAGE_CODECS).map(({ thriftName, decompress }) => [thriftName, decompress]),
);

interface Page {
  /** Levels of the entries; empty if each is the highest one there. */
  readonly defs: readonly number[];
  readonly reps: readonly number[];
  readonly entries: number;
  /** Indices into the dictionary, or values. */
  readonly values: DecodedArray;
  readonly isIndexed: boolean;
}

const NO_PAGE: Page = { defs: [], reps: [], entries: 0, values: [], isIndexed: false };

/** Throws Errors if the chunk is damaged, or none that the encoder writes. */
export class ChunkEntries implements ColumnEntries {
  isOver = false;
  def = 0;
  rep = 0;
  readonly #facts: ColumnMetaData;
  readonly #path: SchemaTree[];
  readonly #maxDef: number;
  readonly #bytes: Uint8Array;
  #at = 0;
  #page = NO_PAGE;
  /** Of the page. */
  #entry = -1;
  #value = 0;
  #entriesLeft: number;
  #dictionary: DecodedArray = [];
  /** Of the dictionary's values, as far as they were asked for. */
  readonly #texts: (string | undefined)[] = [];

  /** @param path the nodes of the schema, from the root to the column. */
  constructor(bytes: Uint8Array, facts: ColumnMetaData, path: SchemaTree[]) {
    this.#bytes = bytes;
    this.#facts = facts;
    this.#path = path;
    this.#maxDef = path.slice(1).filter(({ element }) => element.repetition_type !== 'REQUIRED').length;
    this.#entriesLeft = Number(facts.num_values);
    this.skip();
  }

  skip(): void {
    this.#entry += 1;
    while (this.#entry >= this.#page.entries && !this.isOver) this.#turnPage();
    const { defs, reps } = this.#page;
    this.def = this.isOver ? -1 : defs.length === 0 ? this.#maxDef : (defs[this.#entry] ?? -1);
    this.rep = this.isOver ? 0 : (reps[this.#entry] ?? 0);
  }

  take(kind: ValueKind): string {
    const { values, isIndexed } = this.#page;
    const value = (values as readonly (Value | undefined)[])[this.#value];
    this.#value += 1;
    const text = isIndexed ? this.#dictionaryText(kind, Number(value)) : textOfValue(kind, value);
    this.skip();
    return text;
  }

  #dictionaryText(kind: ValueKind, index: number): string {
    const known = this.#texts[index];
    if (known !== undefined) return known;
    const text = textOfValue(kind, (this.#dictionary as readonly (Value | undefined)[])[index]);
    this.#texts[index] = text;
    return text;
  }

  #turnPage(): void {
    this.#page = NO_PAGE;
    this.#entry = 0;
    this.#value = 0;
    if (this.#at >= this.#bytes.length) {
      if (this.#entriesLeft !== 0) throw new Error('a column has fewer values than the metadata says');
      this.isOver = true;
      return;
    }
    const { header, body } = this.#nextPage();
    const { dictionary_page_header: dictionary, data_page_header: data } = header;
    if (dictionary !== undefined) {
      const { type } = this.#facts;
      const reader = { view: viewOf(body), offset: 0 };
      this.#dictionary = readPlain(reader, type, dictionary.num_values, this.#leaf.element.type_length);
    } else if (data !== undefined) {
      // Headers have no checksum: no memory is taken for more than the metadata says.
      if (data.num_values > this.#entriesLeft) throw new Error('a page has too many values');
      const { definitionLevels, repetitionLevels, dataPage } = readDataPage(body, data, this.#decoder);
      this.#page = {
        ...{
          defs: definitionLevels ?? [],
          reps: repetitionLevels,
          entries: data.num_values,
          values: dataPage,
        },
        isIndexed: data.encoding !== 'PLAIN',
      };
      this.#entriesLeft -= data.num_values;
    } else throw new Error(`a page is of type ${header.type}`);
  }

  #nextPage(): { readonly header: PageHeader; readonly body: Uint8Array } {
    const reader = { view: viewOf(this.#bytes), offset: this.#at };
    const header = parquetHeader(reader);
    const end = reader.offset + header.compressed_page_size;
    if (!(end > reader.offset && end <= this.#bytes.length)) throw new Error('a page is cut off');
    const packed = this.#bytes.subarray(reader.offset, end);
    if ((crc32(packed) | 0) !== header.crc) throw new Error('the checksum of a page is another one');
    this.#at = end;
    return {
      header,
      body: decompressPage(packed, header.uncompressed_page_size, this.#facts.codec, COMPRESSORS),
    };
  }

  get #leaf(): SchemaTree {
    const leaf = this.#path.at(-1);
    if (leaf === undefined) throw new Error('a column has no name');
    return leaf;
  }

  get #decoder(): Parameters<typeof readDataPage>[2] {
    const { type, codec, path_in_schema: pathInSchema } = this.#facts;
    const { element } = this.#leaf;
    return { type, codec, pathInSchema, element, schemaPath: this.#path, parsers: DEFAULT_PARSERS };
  }
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);
