/** Reads and writes Kafka's wire types, classic and compact ("flexible"). */
import { SourceFailure } from '../../failure.ts';

export class WireReader {
  readonly bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  #take(length: number): number {
    const at = this.#at;
    if (length < 0 || at + length > this.bytes.length) {
      throw new SourceFailure(
        'unavailable',
        `A broker's response ends ${at + length - this.bytes.length} bytes too early.`,
      );
    }
    this.#at = at + length;
    return at;
  }

  int8(): number {
    return this.bytes.readInt8(this.#take(1));
  }

  int16(): number {
    return this.bytes.readInt16BE(this.#take(2));
  }

  int32(): number {
    return this.bytes.readInt32BE(this.#take(4));
  }

  int64(): bigint {
    return this.bytes.readBigInt64BE(this.#take(8));
  }

  unsignedVarint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.bytes.readUInt8(this.#take(1));
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }

  range(length: number): Buffer {
    const at = this.#take(length);
    return this.bytes.subarray(at, at + length);
  }

  /** All that is not read yet. */
  rest(): Buffer {
    return this.range(this.bytes.length - this.#at);
  }

  string(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.range(length).toString('utf8');
  }

  /** Bytes of a classic nullable field. */
  bytesField(): Buffer | null {
    const length = this.int32();
    return length < 0 ? null : this.range(length);
  }

  array<T>(read: () => T): T[] {
    return this.#items(this.int32(), read);
  }

  compactString(): string | null {
    const length = this.unsignedVarint() - 1;
    return length < 0 ? null : this.range(length).toString('utf8');
  }

  compactArray<T>(read: () => T): T[] {
    return this.#items(this.unsignedVarint() - 1, read);
  }

  /** Sixteen bytes as 32 hex digits. */
  uuid(): string {
    return this.range(16).toString('hex');
  }

  skipTags(): void {
    for (let left = this.unsignedVarint(); left > 0; left -= 1) {
      this.unsignedVarint();
      this.range(this.unsignedVarint());
    }
  }

  #items<T>(length: number, read: () => T): T[] {
    const items: T[] = [];
    for (let index = 0; index < length; index += 1) items.push(read());
    return items;
  }
}

export class WireWriter {
  readonly #parts: Buffer[] = [];

  #number(size: number, write: (bytes: Buffer) => void): this {
    const bytes = Buffer.alloc(size);
    write(bytes);
    this.#parts.push(bytes);
    return this;
  }

  int8(value: number): this {
    return this.#number(1, (bytes) => bytes.writeInt8(value));
  }

  int16(value: number): this {
    return this.#number(2, (bytes) => bytes.writeInt16BE(value));
  }

  int32(value: number): this {
    return this.#number(4, (bytes) => bytes.writeInt32BE(value));
  }

  int64(value: bigint): this {
    return this.#number(8, (bytes) => bytes.writeBigInt64BE(value));
  }

  unsignedVarint(value: number): this {
    const bytes: number[] = [];
    let left = value;
    for (; left >= 0x80; left = Math.floor(left / 128)) bytes.push((left % 128) | 0x80);
    bytes.push(left);
    this.#parts.push(Buffer.from(bytes));
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.#parts.push(Buffer.from(bytes));
    return this;
  }

  string(text: string): this {
    const bytes = Buffer.from(text, 'utf8');
    return this.int16(bytes.length).raw(bytes);
  }

  compactString(text: string): this {
    const bytes = Buffer.from(text, 'utf8');
    return this.unsignedVarint(bytes.length + 1).raw(bytes);
  }

  /** A tag section without tags. */
  noTags(): this {
    return this.unsignedVarint(0);
  }

  toBuffer(): Buffer {
    return Buffer.concat(this.#parts);
  }
}
