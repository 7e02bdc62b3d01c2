/** Lines, and sums over them: what files hold, whatever the order of their lines. */
import { hash } from 'node:crypto';

const LINE_FEED = 0x0a;

/**
 * Calls back for each line of the bytes, without its line feed; bytes behind the last one are a line, too.
 */
export function eachLine(bytes: Uint8Array, visit: (from: number, to: number) => void): void {
  for (let from = 0; from <= bytes.length;) {
    const at = bytes.indexOf(LINE_FEED, from);
    visit(from, at === -1 ? bytes.length : at);
    if (at === -1) return;
    from = at + 1;
  }
}

/** Lines of a file, each without its line feed. What stands behind the last line feed is a line, too. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const bytes = Buffer.concat([rest, chunk]);
    let from = 0;
    for (let at = bytes.indexOf(LINE_FEED); at !== -1; at = bytes.indexOf(LINE_FEED, from)) {
      yield bytes.subarray(from, at);
      from = at + 1;
    }
    rest = bytes.subarray(from);
  }
  if (rest.length > 0) yield rest;
}

/** Equal for equal lines in any order, and otherwise different but for one chance in 2^128. */
export class LineSums {
  lines = 0;
  #high = 0n;
  #low = 0n;

  add(line: Uint8Array): void {
    const digest = hash('sha256', line, 'buffer');
    this.#high = BigInt.asUintN(64, this.#high + digest.readBigUInt64BE(0));
    this.#low = BigInt.asUintN(64, this.#low + digest.readBigUInt64BE(8));
    this.lines += 1;
  }

  equals(other: LineSums): boolean {
    return this.lines === other.lines && this.#high === other.#high && this.#low === other.#low;
  }
}
