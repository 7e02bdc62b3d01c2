import type { RecordCursor } from '../../sources/port.ts';
import type { BadReason, LineFormat, PartFormat } from '../format.ts';

/** The value as it is. */
export class TextLine implements LineFormat {
  readonly type = 'lines';
  readonly isValue = true;
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;

  encode({ valueBytes, valueStart, valueEnd }: RecordCursor): BadReason | null {
    if (valueStart < 0) return 'null-value';
    this.bytes = valueBytes;
    this.start = valueStart;
    this.end = valueEnd;
    return null;
  }
}

/** Plain text, records without a value left out: the format of a job file that names none. */
export const PLAIN_TEXT: PartFormat = {
  id: 'text',
  codec: null,
  tombstones: 'skip',
  recordsOf: () => new TextLine(),
};
