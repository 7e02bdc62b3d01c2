import type { RecordCursor } from '../../sources/port.ts';
import type { LineFeeds } from '../../config/jobConfig.ts';
import type { BadReason, LineFormat, PartFormat } from '../format.ts';

const LINE_FEED = 0x0a;

/** The value as it is. With a line feed it would be several lines. */
export class TextLine implements LineFormat {
  readonly type = 'lines';
  readonly inBulk: { readonly type: 'values'; readonly isOneLine: boolean };
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;

  constructor(lineFeeds: LineFeeds) {
    this.inBulk = { type: 'values', isOneLine: lineFeeds !== 'keep' };
  }

  encode({ valueBytes, valueStart, valueEnd }: RecordCursor): BadReason | null {
    if (valueStart < 0) return 'null-value';
    if (this.inBulk.isOneLine) {
      // Few records come here: the kernel looks at the others while it copies them.
      for (let at = valueStart; at < valueEnd; at += 1) if (valueBytes[at] === LINE_FEED) return 'line-feed';
    }
    this.bytes = valueBytes;
    this.start = valueStart;
    this.end = valueEnd;
    return null;
  }
}

/** Plain text, records without a value left out: the format of a job file that names no other. */
export const PLAIN_TEXT: PartFormat = {
  id: 'text',
  codec: null,
  tombstones: 'skip',
  recordsOf: () => new TextLine('bad'),
};
