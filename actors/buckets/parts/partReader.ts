/** Finds the part of a record that a folder is named after, as bytes. */
import { equalsAt } from '../../../kernels/text/bytes.ts';
import { HeaderReader } from '../../../kernels/text/recordHeaders.ts';
import type { BucketPart } from '../pattern/pattern.ts';
import type { BucketRecord } from '../rule.ts';
import { JsonField } from './jsonField.ts';

/** Longer ones count as missing: they would be kept, many of them. */
export const PART_READ_BYTES_MAX = 4_096;

/** `escaped`: the bytes are those of a JSON string with escapes. */
export const FOUND = { missing: 0, plain: 1, escaped: 2 } as const;
export type Found = (typeof FOUND)[keyof typeof FOUND];

export interface PartReader {
  /** bytes[start, end) are the part of the record that `find` was given last, if there is one. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Empty text counts as missing: no folder is named so. */
  find(record: BucketRecord): Found;
}

/** @param part neither the topic nor the partition: these are the same for all records of an assigner. */
export function partReader(part: BucketPart): PartReader {
  if (part.of === 'value') return new ValuePart(part.path);
  if (part.of === 'header') return new HeaderPart(part.name);
  return new KeyPart();
}

abstract class Part {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;

  protected took(bytes: Uint8Array, start: number, end: number): Found {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    const isText = start >= 0 && end > start && end - start <= PART_READ_BYTES_MAX;
    return isText ? FOUND.plain : FOUND.missing;
  }
}

class KeyPart extends Part implements PartReader {
  find({ keyBytes, keyStart, keyEnd }: BucketRecord): Found {
    return this.took(keyBytes, keyStart, keyEnd);
  }
}

class ValuePart extends Part implements PartReader {
  readonly #field: JsonField;

  constructor(path: readonly string[]) {
    super();
    this.#field = new JsonField(path);
  }

  find({ valueBytes, valueStart, valueEnd }: BucketRecord): Found {
    const field = this.#field;
    if (valueStart < 0 || !field.find(valueBytes, valueStart, valueEnd)) return FOUND.missing;
    const found = this.took(valueBytes, field.start, field.end);
    return found === FOUND.plain && field.isEscaped ? FOUND.escaped : found;
  }
}

class HeaderPart extends Part implements PartReader {
  readonly #name: Uint8Array;
  readonly #headers = new HeaderReader();

  constructor(name: string) {
    super();
    this.#name = new TextEncoder().encode(name);
  }

  find(record: BucketRecord): Found {
    let found: Found = FOUND.missing;
    const headers = this.#headers;
    headers.start(record);
    while (headers.next()) {
      const { bytes, nameStart, nameEnd, valueStart, valueEnd } = headers;
      if (equalsAt(bytes, nameStart, nameEnd, this.#name)) found = this.took(bytes, valueStart, valueEnd);
    }
    return found;
  }
}
