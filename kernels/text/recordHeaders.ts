/** Reads the headers of one record after another, as a Kafka record batch (magic 2) holds them (KIP-82). */

/** Where the headers of a record are: as in a RecordCursor (src/sources/port.ts). */
export interface HeaderPlace {
  readonly valueBytes: Uint8Array;
  readonly headersBytes?: Uint8Array | undefined;
  readonly headersStart: number;
  readonly headersEnd: number;
}

export class HeaderReader {
  bytes: Uint8Array = new Uint8Array(0);
  /** The name is bytes[nameStart, nameEnd), in UTF-8 as far as its producer kept to that. */
  nameStart = 0;
  nameEnd = 0;
  /** The value is bytes[valueStart, valueEnd); valueStart is -1 if it is null. */
  valueStart = -1;
  valueEnd = -1;
  #at = 0;
  #end = 0;
  #left = 0;

  /** Before the first header of the record at the cursor. */
  start({ valueBytes, headersBytes, headersStart, headersEnd }: HeaderPlace): void {
    this.bytes = headersBytes ?? valueBytes;
    this.#at = Math.max(0, headersStart);
    this.#end = headersEnd;
    this.#left = headersStart < 0 ? 0 : this.#varint();
  }

  /** Moves to the next header; false if there is none. */
  next(): boolean {
    if (this.#left <= 0 || this.#at >= this.#end) return false;
    this.#left -= 1;
    const nameLength = Math.max(0, this.#varint());
    this.nameStart = this.#at;
    this.nameEnd = Math.min(this.#end, this.#at + nameLength);
    this.#at = this.nameEnd;
    const valueLength = this.#varint();
    this.valueStart = valueLength < 0 ? -1 : this.#at;
    this.valueEnd = valueLength < 0 ? -1 : Math.min(this.#end, this.#at + valueLength);
    if (valueLength > 0) this.#at = this.valueEnd;
    return true;
  }

  /** A zigzag number of at most 32 bits. */
  #varint(): number {
    let value = 0;
    for (let shift = 0; shift <= 28 && this.#at < this.#end; shift += 7) {
      const byte = this.bytes[this.#at++] ?? 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return (value >>> 1) ^ -(value & 1);
  }
}
