/** Buckets by what is in a record: parts that the pattern names, and perhaps its time from a field. */
import { encodePathSegment } from '../../pathSegment.ts';
import type { BucketAssigner, BucketRecord } from '../rule.ts';
import { UNKNOWN_TIME_BUCKET } from '../time/assigner.ts';
import {
  renderBucketPattern,
  type BucketTime,
  type BucketToken,
  type BucketUnit,
} from '../pattern/pattern.ts';
import { timeOfRecord, timeSlots, type TimeSlots } from '../time/slots.ts';
import { FieldTime, type FieldTimeConfig } from './fieldTime.ts';
import { textOf, unescaped } from './jsonField.ts';
import { FOUND, partReader, type PartReader } from './partReader.ts';
import { SlotTable } from './slotTable.ts';

export interface RecordBuckets {
  /** Where a record's time comes from. */
  readonly time: 'record-time' | 'wall-clock' | FieldTimeConfig;
  /** Without topic and partition, which are the same for all records. */
  readonly tokens: readonly BucketToken[];
  /** Null: the pattern holds no time. */
  readonly finestUnit: BucketUnit | null;
  /** IANA name. */
  readonly timezone: string;
  /** Stands for a part that a record lacks. */
  readonly fallback: string;
}

type PartToken = BucketToken & { readonly type: 'part' };

/** Any moment will do where a pattern holds no time. */
const NO_MOMENT: BucketTime = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0, millisecond: 0 };
/** What precedes the bytes of each part in a key: what was found, and how many bytes. */
const PART_HEAD_BYTES = 5;
const TIME_BYTES = 8;

export class RecordBucketAssigner implements BucketAssigner {
  readonly looksAtRecords = true;
  readonly routes = null;
  readonly #buckets: RecordBuckets;
  readonly #slots: TimeSlots | null;
  readonly #fieldTime: FieldTime | null;
  readonly #parts: readonly { readonly token: PartToken; readonly reader: PartReader }[];
  readonly #table = new SlotTable();
  #isInUse: (slot: number) => boolean = () => false;

  constructor(buckets: RecordBuckets) {
    const { time, tokens, finestUnit, timezone } = buckets;
    this.#buckets = buckets;
    this.#slots = finestUnit === null ? null : timeSlots(finestUnit, timezone);
    this.#fieldTime = typeof time === 'object' ? new FieldTime(time) : null;
    this.#parts = tokens
      .filter((token) => token.type === 'part')
      .map((token) => ({ token, reader: partReader(token.part) }));
  }

  /** Of the slots that it remembers, about. */
  get memoryBytes(): number {
    return this.#table.memoryBytes;
  }

  isKnownAgain(hasOwnTimes: boolean): boolean {
    const { time } = this.#buckets;
    if (this.#slots === null || typeof time === 'object') return true;
    return time === 'record-time' && hasOwnTimes;
  }

  slotOf(record: BucketRecord, wallMs: number): number {
    const table = this.#table;
    table.forget(this.#isInUse);
    table.begin();
    if (this.#slots !== null) table.number(this.#slots.slotOf(this.#timeOf(record, wallMs)));
    for (const { reader } of this.#parts) {
      const found = reader.find(record);
      table.byte(found);
      if (found === FOUND.missing) table.bytes(reader.bytes, 0, 0);
      else table.bytes(reader.bytes, reader.start, reader.end);
    }
    return table.slot();
  }

  #timeOf(record: BucketRecord, wallMs: number): number {
    if (this.#fieldTime !== null) return this.#fieldTime.of(record);
    return this.#buckets.time === 'wall-clock' ? wallMs : timeOfRecord(record.timestampMs);
  }

  bucketOf(slot: number): string {
    const key = this.#table.keyOf(slot);
    const view = new DataView(key.buffer, key.byteOffset, key.length);
    const time = this.#slots === null ? NO_MOMENT : this.#slots.timeOf(view.getFloat64(0));
    if (time === null) return UNKNOWN_TIME_BUCKET;
    const texts = this.#texts(key, view, this.#slots === null ? 0 : TIME_BYTES);
    return renderBucketPattern(this.#buckets.tokens, time, (token, isAtStart) => {
      const text = texts.get(token);
      if (text !== undefined && text !== null) return encodePathSegment(text, token.bytesMax);
      const { fallback } = this.#buckets;
      return isAtStart ? encodePathSegment(fallback, token.bytesMax) : fallback;
    });
  }

  /** The text of each part; null for one that is missing. */
  #texts(key: Uint8Array, view: DataView, from: number): ReadonlyMap<PartToken, string | null> {
    let at = from;
    const texts = new Map<PartToken, string | null>();
    for (const { token } of this.#parts) {
      const found = view.getUint8(at);
      const start = at + PART_HEAD_BYTES;
      at = start + view.getUint32(at + 1);
      texts.set(token, found === FOUND.missing ? null : partText(key, start, at, found === FOUND.escaped));
    }
    return texts;
  }

  keep(isInUse: (slot: number) => boolean): void {
    this.#isInUse = isInUse;
  }
}

/** Null if it is empty, or if its escapes are none. */
function partText(bytes: Uint8Array, start: number, end: number, isEscaped: boolean): string | null {
  const text = isEscaped ? unescaped(bytes, start, end) : textOf(bytes, start, end);
  return text === '' ? null : text;
}
