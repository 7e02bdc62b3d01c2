/** The time of a record as a field of its JSON value says it. */
import { isDigit, ZERO } from '../../../kernels/text/ascii.ts';
import { isoTime, readDate, readTimestamp } from '../../../kernels/text/isoTime.ts';
import type { BucketRecord } from '../rule.ts';
import { JsonField, unescaped } from './jsonField.ts';

/** `s`, `ms`: a number since 1970-01-01 UTC, perhaps as a string. `iso`: ISO 8601; without an offset, UTC. */
export const TIME_UNITS = ['ms', 's', 'iso'] as const;
export type TimeUnit = (typeof TIME_UNITS)[number];

export interface FieldTimeConfig {
  readonly path: readonly string[];
  readonly unit: TimeUnit;
}

/** More digits are no exact number of milliseconds. */
const DIGITS_MAX = 15;

export class FieldTime {
  readonly #field: JsonField;
  readonly #unit: TimeUnit;

  constructor({ path, unit }: FieldTimeConfig) {
    this.#field = new JsonField(path);
    this.#unit = unit;
  }

  /** In milliseconds; NaN if the record has no such time. */
  of({ valueBytes, valueStart, valueEnd }: BucketRecord): number {
    const field = this.#field;
    if (valueStart < 0 || !field.find(valueBytes, valueStart, valueEnd)) return NaN;
    if (!field.isEscaped) return this.#read(valueBytes, field.start, field.end);
    const bytes = new TextEncoder().encode(unescaped(valueBytes, field.start, field.end) ?? '');
    return this.#read(bytes, 0, bytes.length);
  }

  #read(bytes: Uint8Array, start: number, end: number): number {
    if (this.#unit === 'iso') return this.#field.type === 'text' ? isoMs(bytes, start, end) : NaN;
    const time = numberAt(bytes, start, end);
    return this.#unit === 's' ? Math.floor(time * 1_000) : Math.floor(time);
  }
}

function isoMs(bytes: Uint8Array, start: number, end: number): number {
  if (readDate(bytes, start, end)) return isoTime.days * 86_400_000;
  const isTime = readTimestamp(bytes, start, end, true) || readTimestamp(bytes, start, end, false);
  return isTime ? isoTime.seconds * 1_000 + Math.floor(isoTime.nanos / 1e6) : NaN;
}

/** A whole number without allocation; any other as text. */
function numberAt(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > DIGITS_MAX) return numberOf(bytes, start, end);
  let value = 0;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (!isDigit(byte)) return numberOf(bytes, start, end);
    value = value * 10 + byte - ZERO;
  }
  return end > start ? value : NaN;
}

const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** Longer ones are no times. */
const NUMBER_BYTES_MAX = 64;

function numberOf(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > NUMBER_BYTES_MAX) return NaN;
  const text = String.fromCharCode(...bytes.subarray(start, end));
  return NUMBER.test(text) ? Number(text) : NaN;
}
