/** `envelope: value`: the record's own JSON, unchanged, on one line. */
import type { RecordCursor } from '../../sources/port.ts';
import type { BadReason, LineFormat } from '../format.ts';
import { LineScratch } from '../lineScratch.ts';
import { JsonCheck } from './check.ts';
import { copyOnOneLine } from './oneLine.ts';

export class ValueLine implements LineFormat {
  readonly type = 'lines';
  readonly inBulk = null;
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  readonly #check = new JsonCheck();
  readonly #scratch = new LineScratch();

  encode({ valueBytes, valueStart, valueEnd }: RecordCursor): BadReason | null {
    if (valueStart < 0) return 'null-value';
    const bad = this.#check.check(valueBytes, valueStart, valueEnd);
    if (bad !== null) return bad;
    if (this.#check.hasLineBreaks) {
      this.#scratch.clear();
      copyOnOneLine(this.#scratch, valueBytes, valueStart, valueEnd);
      this.bytes = this.#scratch.bytes;
      this.start = 0;
      this.end = this.#scratch.end;
      return null;
    }
    this.bytes = valueBytes;
    this.start = valueStart;
    this.end = valueEnd;
    return null;
  }
}
