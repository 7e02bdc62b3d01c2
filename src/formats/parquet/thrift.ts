/** Writes Thrift's compact protocol: what the metadata of Parquet is made of. */

const TYPE = { true: 1, false: 2, byte: 3, i32: 5, i64: 6, binary: 8, list: 9, struct: 12 } as const;
export type ListOf = 'i32' | 'binary' | 'struct';

/** Fields of a struct are written in the order of their ids. */
export class ThriftWriter {
  #bytes = Buffer.allocUnsafe(512);
  #length = 0;
  /** Id of the last field, for each struct that is open. */
  readonly #lastIds: number[] = [0];

  /** A field's value; undefined leaves the field out. */
  i32(id: number, value: number | undefined): this {
    return value === undefined ? this : this.#field(id, TYPE.i32).#zigzag(value);
  }

  /** @param value a whole number below 2^53. */
  i64(id: number, value: number | undefined): this {
    return value === undefined ? this : this.#field(id, TYPE.i64).#zigzag(value);
  }

  byte(id: number, value: number): this {
    return this.#field(id, TYPE.byte).#byte(value);
  }

  bool(id: number, value: boolean | undefined): this {
    return value === undefined ? this : this.#field(id, value ? TYPE.true : TYPE.false);
  }

  binary(id: number, value: string | Uint8Array | undefined): this {
    return value === undefined ? this : this.#field(id, TYPE.binary).#sized(value);
  }

  struct(id: number, write: (writer: this) => void): this {
    return this.#field(id, TYPE.struct).structValue(write);
  }

  /** The elements follow: `i32Value`, `binaryValue`, `structValue` or `raw`. */
  list(id: number, of: ListOf, count: number): this {
    this.#field(id, TYPE.list);
    if (count < 15) return this.#byte((count << 4) | TYPE[of]);
    return this.#byte(0xf0 | TYPE[of]).#varint(count);
  }

  i32Value(value: number): this {
    return this.#zigzag(value);
  }

  binaryValue(value: string | Uint8Array): this {
    return this.#sized(value);
  }

  structValue(write: (writer: this) => void): this {
    this.#lastIds.push(0);
    write(this);
    this.#lastIds.pop();
    return this.#byte(0);
  }

  /** Bytes that another writer has made. */
  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** Ends the struct that everything was written to. Its bytes are the caller's. */
  end(): Buffer {
    this.#byte(0);
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  #field(id: number, type: number): this {
    const last = this.#lastIds.length - 1;
    const delta = id - (this.#lastIds[last] ?? 0);
    this.#lastIds[last] = id;
    if (delta > 0 && delta < 16) return this.#byte((delta << 4) | type);
    return this.#byte(type).#zigzag(id);
  }

  #sized(value: string | Uint8Array): this {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    return this.#varint(bytes.length).raw(bytes);
  }

  #zigzag(value: number): this {
    return this.#varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  /** Without bit operations: they end at 32 bits. */
  #varint(value: number): this {
    let rest = value;
    while (rest > 0x7f) {
      this.#byte((rest % 0x80) + 0x80);
      rest = Math.floor(rest / 0x80);
    }
    return this.#byte(rest);
  }

  #byte(value: number): this {
    this.#reserve(1);
    this.#bytes[this.#length] = value;
    this.#length += 1;
    return this;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#length + bytes));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
