/** Bytes that are written one after the other, into memory that is used again. */

export class GrowingBytes {
  bytes = Buffer.allocUnsafeSlow(1024);
  length = 0;

  clear(): void {
    this.length = 0;
  }

  /** What was written. The memory is lent: it holds other bytes after the next `clear`. */
  written(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  byte(value: number): void {
    if (this.length >= this.bytes.length) this.reserve(1);
    this.bytes[this.length] = value;
    this.length += 1;
  }

  uint32(value: number): void {
    this.reserve(4);
    this.bytes.writeUInt32LE(value, this.length);
    this.length += 4;
  }

  /** Seven bits a byte, lowest first. @param value below 2^32. */
  varint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  add(source: Uint8Array): void {
    this.reserve(source.length);
    this.bytes.set(source, this.length);
    this.length += source.length;
  }

  reserve(bytes: number): void {
    if (this.length + bytes <= this.bytes.length) return;
    const needed = this.length + bytes;
    const grown = Buffer.allocUnsafeSlow(needed + (needed >>> 1));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }
}
