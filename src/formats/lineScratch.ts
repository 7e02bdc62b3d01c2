/** A line that is made piece by piece, in memory that is used again for the next one. */

const FIRST_BYTES = 4 * 1024;

export class LineScratch {
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  end = 0;

  clear(): void {
    this.end = 0;
  }

  /** Makes room for that many more bytes. */
  reserve(more: number): void {
    if (this.end + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(this.end + more)));
    this.bytes.copy(larger, 0, 0, this.end);
    this.bytes = larger;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.end++] = value;
  }

  copy(from: Buffer, start: number, end: number): void {
    this.reserve(end - start);
    this.end += from.copy(this.bytes, this.end, start, end);
  }

  /** ASCII. For fixed texts and numbers only. */
  ascii(text: string): void {
    this.reserve(text.length);
    this.end += this.bytes.write(text, this.end, 'latin1');
  }
}
