/**
 * A record as the bytes that it consists of, without its headers: as in a RecordCursor (src/sources/port.ts).
 */
export interface RecordBytes {
  /** In milliseconds since the epoch; may be negative or out of range. */
  readonly timestampMs: number;
  /** The key is keyBytes[keyStart, keyEnd); keyStart is -1 if it is null. */
  readonly keyBytes: Uint8Array;
  readonly keyStart: number;
  readonly keyEnd: number;
  /** The value is valueBytes[valueStart, valueEnd); valueStart is -1 if it is null. */
  readonly valueBytes: Uint8Array;
  readonly valueStart: number;
  readonly valueEnd: number;
}
