/**
 * Takes flat JSON records apart, in WebAssembly: their fields in the schema's order, without white space but
 * one space behind a colon or comma, as most programs write them. The second implementation of what
 * src/formats/parquet/recordReader.ts and fastLeaf.ts do, which are authoritative; it leaves to them whatever
 * it does not expect, and then has changed nothing. test/unit/formats/parquet/flatRecords.test.ts compares
 * the two.
 *
 * Values are gathered in a stage, column by column, as Parquet's PLAIN encoding has them, until their owner
 * takes them out.
 */
import { advance, control, f64, FunctionBuilder, I32, i32, I64, i64, V128, v128 } from './assembler.ts';
import type { Code, Variable } from './assembler.ts';
import { instantiate, kernelBytes, reserve } from './memory.ts';
import { isNotPlain } from './plainText.ts';
import { VECTOR_BYTES } from './routeTable.ts';
import { CLOSE_OBJECT, COMMA, DOT, LOWER_E, MINUS, OPEN_OBJECT, QUOTE, SPACE, ZERO } from './text/ascii.ts';

/** How a value is read, and how wide it is in the stage. Texts follow their length. */
export type FlatType = 'string' | 'int32' | 'int64' | 'double' | 'boolean';

export interface FlatField {
  /** `"key":`, as JSON without escapes and white space has it. */
  readonly usualKey: Uint8Array;
  readonly type: FlatType;
  /** Whether null is expected, too. */
  readonly isOptional: boolean;
}

/** Schemas with more fields are left to TypeScript. */
export const FLAT_FIELDS_MAX = 32;
/** Records in the stage, and their bytes as JSON, which no column can take more than. */
export const STAGE_RECORDS_MAX = 128;
export const STAGE_BYTES_MAX = 16 * 1024;

const VALUES_BYTES = STAGE_BYTES_MAX + 4 * STAGE_RECORDS_MAX + 4 * VECTOR_BYTES;
const COLUMN_BYTES = STAGE_RECORDS_MAX + VALUES_BYTES;
const INPUT_BYTES = STAGE_BYTES_MAX + 4 * VECTOR_BYTES;
/** Where each column's next value goes, and last the number of records. */
const ENDS_BYTES = 4 * (FLAT_FIELDS_MAX + 1);
const RECORDS_AT = 4 * FLAT_FIELDS_MAX;

/** Four letters as a number of 32 bits. */
const NULL = 0x6c6c756e;
const TRUE = 0x65757274;
const FALS = 0x736c6166;
/** Digits that always fit 64 bits. */
const DIGITS_MAX = 18;
/** Below this a double holds each whole number. */
const EXACT_MAX = 2n ** 53n;

interface Stage {
  readonly input: Uint8Array;
  readonly ends: Int32Array;
  /** Of the first column; the others follow. */
  readonly columnsAt: number;
  /** Powers of ten that a double holds exactly: dividing by one of them rounds once, and so correctly. */
  readonly powersAt: number;
}

/** Made for the first who asks: most processes need none. */
let stage: Stage | null = null;

function theStage(): Stage {
  if (stage !== null) return stage;
  const ends = reserve(ENDS_BYTES);
  const powers = reserve(8 * (DIGITS_MAX + 1));
  new Float64Array(powers.buffer, powers.byteOffset, DIGITS_MAX + 1).set(
    Array.from({ length: DIGITS_MAX + 1 }, (_, power) => Number(`1e${power}`)),
  );
  stage = {
    input: reserve(INPUT_BYTES),
    ends: new Int32Array(ends.buffer, ends.byteOffset, FLAT_FIELDS_MAX + 1),
    columnsAt: reserve(FLAT_FIELDS_MAX * COLUMN_BYTES).byteOffset,
    powersAt: powers.byteOffset,
  };
  return stage;
}

/** What is in the stage of one column. */
export interface StagedColumn {
  /** 1 for a value, 0 for null, for each record. */
  readonly levels: Uint8Array;
  readonly values: Uint8Array;
}

/** Of one schema. All share the stage: its owner takes out its values before another one reads a record. */
export class FlatRecords {
  readonly #stage = theStage();
  readonly #fields: readonly FlatField[];
  readonly #read: (at: number, end: number) => number;

  /** @param fields at most FLAT_FIELDS_MAX, one at least. */
  constructor(fields: readonly FlatField[]) {
    this.#fields = fields;
    const built = readFunction(fields, this.#stage);
    this.#read = (instantiate([built]) as { readonly read: (at: number, end: number) => number }).read;
  }

  /** Empties the stage for records of this schema. */
  begin(): void {
    const { ends, columnsAt } = this.#stage;
    for (let index = 0; index < this.#fields.length; index += 1) ends[index] = valuesAt(columnsAt, index);
    ends[FLAT_FIELDS_MAX] = 0;
  }

  /**
   * Adds the record bytes[start, end) to the stage, which must have room for it; false if it is not usual.
   */
  add(bytes: Buffer, start: number, end: number): boolean {
    const { input } = this.#stage;
    bytes.copy(input, 0, start, end);
    return this.#read(input.byteOffset, input.byteOffset + end - start) === 1;
  }

  /** What the stage holds of a field; lent until the next `begin`. */
  column(index: number): StagedColumn {
    const { ends, columnsAt } = this.#stage;
    const at = valuesAt(columnsAt, index);
    const levelsAt = at - STAGE_RECORDS_MAX;
    return {
      levels: kernelBytes.subarray(levelsAt, levelsAt + (ends[FLAT_FIELDS_MAX] ?? 0)),
      values: kernelBytes.subarray(at, ends[index]),
    };
  }
}

const valuesAt = (columnsAt: number, index: number): number =>
  columnsAt + index * COLUMN_BYTES + STAGE_RECORDS_MAX;

interface Scratch {
  readonly at: Variable;
  readonly end: Variable;
  /** Number of this record in the stage. */
  readonly record: Variable;
  readonly first: Variable;
  readonly start: Variable;
  readonly word: Variable;
  readonly isNegative: Variable;
  readonly number: Variable;
  readonly vector: Variable;
}

const byteAt = (at: Variable, offset = 0): Code => i32.load8u(at.get, offset);
const isByte = (at: Variable, byte: number): Code => i32.eq(byteAt(at), i32.const(byte));

function readFunction(fields: readonly FlatField[], { ends, columnsAt, powersAt }: Stage): FunctionBuilder {
  const built = new FunctionBuilder('read', I32);
  const [at, end] = [built.parameter(I32), built.parameter(I32)];
  const local = (): Variable => built.local(I32);
  const scratch: Scratch = {
    ...{ at, end, record: local(), first: local(), start: local(), word: local(), isNegative: local() },
    ...{ number: built.local(I64), vector: built.local(V128) },
  };
  const endsAt = i32.const(ends.byteOffset);
  const { record } = scratch;
  const isDone = local();
  const tos = fields.map(() => local());
  built.body = [
    ...control.block(
      record.set(i32.load(endsAt, RECORDS_AT)),
      ...tos.map((to, index) => to.set(i32.load(endsAt, 4 * index))),
      control.branchIf(i32.ne(byteAt(at), i32.const(OPEN_OBJECT)), 0),
      ...fields.map((field, index) => [
        ...advance(at, 1),
        ...(index > 0 ? skipSpace(at) : []),
        ...readField(field, tos[index] ?? record, {
          ...{ scratch, powersAt },
          levelsAt: valuesAt(columnsAt, index) - STAGE_RECORDS_MAX,
        }),
        ...control.branchIf(
          i32.ne(byteAt(at), i32.const(index === fields.length - 1 ? CLOSE_OBJECT : COMMA)),
          0,
        ),
      ]),
      advance(at, 1),
      control.branchIf(i32.ne(at.get, end.get), 0),
      ...tos.map((to, index) => i32.store(endsAt, to.get, 4 * index)),
      i32.store(endsAt, i32.add(record.get, i32.const(1)), RECORDS_AT),
      isDone.set(i32.const(1)),
    ),
    ...isDone.get,
  ];
  return built;
}

/** One space at most. */
const skipSpace = (at: Variable): Code => at.set(i32.add(at.get, isByte(at, SPACE)));

/** Reads key and value. Leaves the block around it where they are not usual. */
function readField(
  { usualKey, type, isOptional }: FlatField,
  to: Variable,
  { scratch, powersAt, levelsAt }: { scratch: Scratch; powersAt: number; levelsAt: number },
): Code {
  const { at, record } = scratch;
  const value = (stop: Stop): Code => {
    switch (type) {
      case 'string':
        return readText(to, scratch, stop);
      case 'boolean':
        return readBoolean(to, scratch, stop);
      case 'double':
        return readDouble(to, scratch, powersAt, stop);
      default:
        return readInteger(to, scratch, type, stop);
    }
  };
  const level = (is: number): Code => i32.store8(record.get, i32.const(is), levelsAt);
  return [
    ...stopAt(0)(i32.eqz(isKey(at, usualKey))),
    ...advance(at, usualKey.length),
    ...skipSpace(at),
    ...(isOptional
      ? control.block(
          control.block(
            control.branchIf(i32.ne(i32.load(at.get), i32.const(NULL)), 0),
            level(0),
            advance(at, 4),
            control.branch(1),
          ),
          value(stopAt(1)),
          level(1),
        )
      : value(stopAt(0))),
  ];
}

/**
 * What follows a value must be a comma, or the end of the object and of the record: so a number that goes on
 * differently, and bytes behind the record that were read, are noticed there.
 *
 * Leaves so many blocks more than those within which it is used where the record is not usual.
 */
type Stop = (condition: Code, within?: number) => Code;
const stopAt =
  (depth: number): Stop =>
  (condition, within = 0) =>
    control.branchIf(condition, depth + within);

/** Eight bytes at a time; what is read behind the key does not count. */
function isKey(at: Variable, key: Uint8Array): Code {
  let same: Code = i32.const(1);
  for (let offset = 0; offset < key.length; offset += 8) {
    let bytes = 0n;
    let mask = 0n;
    for (let index = Math.min(8, key.length - offset) - 1; index >= 0; index -= 1) {
      bytes = bytes * 256n + BigInt(key[offset + index] ?? 0);
      mask = mask * 256n + 255n;
    }
    const found = i64.and(i64.load(at.get, offset), i64.const(mask));
    same = i32.and(same, i32.eqz(i64.ne(found, i64.const(bytes))));
  }
  return same;
}

/** ASCII without escapes: copied while its end is looked for. */
function readText(to: Variable, { at, end, start, word, vector }: Scratch, stop: Stop): Code {
  return [
    ...stop(i32.ne(byteAt(at), i32.const(QUOTE))),
    ...advance(at, 1),
    ...start.set(to.get),
    ...advance(to, 4),
    ...control.loop(
      vector.set(v128.load(at.get)),
      v128.store(to.get, vector.get),
      word.set(v128.bitmask(isNotPlain(vector.get))),
      control.block(
        control.branchIf(word.get, 0),
        advance(at, VECTOR_BYTES),
        advance(to, VECTOR_BYTES),
        // What lies behind the record would not fit into the stage.
        stop(i32.geU(at.get, end.get), 2),
        control.branch(1),
      ),
    ),
    ...word.set(i32.ctz(word.get)),
    ...at.set(i32.add(at.get, word.get)),
    ...to.set(i32.add(to.get, word.get)),
    ...stop(i32.ne(byteAt(at), i32.const(QUOTE))),
    ...advance(at, 1),
    ...i32.store(start.get, i32.sub(i32.sub(to.get, start.get), i32.const(4))),
  ];
}

function readBoolean(to: Variable, { at, word }: Scratch, stop: Stop): Code {
  return [
    ...word.set(i32.eq(i32.load(at.get), i32.const(TRUE))),
    ...control.block(
      control.branchIf(word.get, 0),
      stop(i32.ne(i32.load(at.get), i32.const(FALS)), 1),
      stop(i32.ne(byteAt(at, 4), i32.const(LOWER_E)), 1),
      advance(at, 1),
    ),
    ...advance(at, 4),
    ...i32.store8(to.get, word.get),
    ...advance(to, 1),
  ];
}

/** Appends digits to `number`. */
function readDigits({ at, word, number }: Scratch): Code {
  return control.block(
    control.loop(
      word.set(i32.sub(byteAt(at), i32.const(ZERO))),
      control.branchIf(i32.geU(word.get, i32.const(10)), 1),
      number.set(i64.add(i64.mul(number.get, i64.const(10n)), i64.fromI32(word.get))),
      advance(at, 1),
      control.branch(0),
    ),
  );
}

/** The digits before the point; `start` is then their number. */
function readWhole(scratch: Scratch, stop: Stop): Code {
  const { at, first, start, isNegative, number } = scratch;
  return [
    ...isNegative.set(isByte(at, MINUS)),
    ...at.set(i32.add(at.get, isNegative.get)),
    ...first.set(at.get),
    ...number.set(i64.const(0n)),
    ...readDigits(scratch),
    ...start.set(i32.sub(at.get, first.get)),
    ...stop(i32.eqz(start.get)),
    ...stop(i32.and(isByte(first, ZERO), i32.gtU(start.get, i32.const(1)))),
  ];
}

/** 1 or -1. */
const sign = ({ isNegative }: Scratch): Code => i32.sub(i32.const(1), i32.shl(isNegative.get, i32.const(1)));

function readInteger(to: Variable, scratch: Scratch, type: 'int32' | 'int64', stop: Stop): Code {
  const { start, number } = scratch;
  const whole = [
    ...readWhole(scratch, stop),
    ...stop(i32.gtU(start.get, i32.const(DIGITS_MAX))),
    ...number.set(i64.mul(number.get, i64.fromI32(sign(scratch)))),
  ];
  if (type === 'int64') return [...whole, ...i64.store(to.get, number.get), ...advance(to, 8)];
  const low = i32.fromI64(number.get);
  return [
    ...whole,
    ...stop(i64.ne(i64.fromI32(low), number.get)),
    ...i32.store(to.get, low),
    ...advance(to, 4),
  ];
}

/** At most 18 digits that make a whole number below 2^53, divided by an exact power of ten. */
function readDouble(to: Variable, scratch: Scratch, powersAt: number, stop: Stop): Code {
  const { at, first, start, number } = scratch;
  const magnitude = f64.div(f64.fromI64(number.get), f64.load(i32.shl(first.get, i32.const(3)), powersAt));
  return [
    ...readWhole(scratch, stop),
    ...first.set(i32.const(0)),
    ...control.block(
      control.branchIf(i32.ne(byteAt(at), i32.const(DOT)), 0),
      advance(at, 1),
      first.set(at.get),
      readDigits(scratch),
      first.set(i32.sub(at.get, first.get)),
      stop(i32.eqz(first.get), 1),
    ),
    ...stop(i32.gtU(i32.add(start.get, first.get), i32.const(DIGITS_MAX))),
    ...stop(i64.geS(number.get, i64.const(EXACT_MAX))),
    ...f64.store(to.get, f64.mul(magnitude, f64.fromI32(sign(scratch)))),
    ...advance(to, 8),
  ];
}
