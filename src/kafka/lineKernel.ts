/**
 * Copies the values of many records as lines, in WebAssembly. It takes plain records only and judges nothing: at the first one
 * that is anything else (null, damaged, another bucket's, one too many) it stops before it, and the cursor reads that one.
 */
import {
  control,
  f64,
  FunctionBuilder,
  I32,
  I64,
  i32,
  i64,
  v128,
  type Code,
  type Variable,
} from '../../journal/wasm/assembler.ts';
import { instantiate, reserve } from '../../journal/wasm/memory.ts';

const VECTOR_BYTES = 16;
const NEWLINE = 10;
/** Longer varints are legal but not plain: four bytes hold any length that is read here, seven any time delta of millennia. */
const SHIFT_MAX = 21;
const LONG_SHIFT_MAX = 42n;

/** The limits of a copy and what became of it: offsets of fields. */
const FIELD = {
  fromMs: 0,
  toMs: 8,
  fromDelta: 16,
  toDelta: 20,
  outEnd: 24,
  stopAt: 28,
  at: 32,
  out: 36,
  delta: 40,
};
const fields = reserve(64);
const integers = new Int32Array(fields.buffer, fields.byteOffset, 16);
const doubles = new Float64Array(fields.buffer, fields.byteOffset, 8);

const field = (offset: number): Code => i32.const(fields.byteOffset + offset);
const advance = (pointer: Variable, by: number): Code => pointer.set(i32.add(pointer.get, i32.const(by)));

interface Place {
  readonly at: Variable;
  readonly byte: Variable;
  readonly shift: Variable;
}

/** Reads a zigzag varint of at most four bytes; leaves `stopDepth` blocks where it is longer. */
function readVarint(into: Variable, { at, byte, shift }: Place, stopDepth: number): Code {
  const more = control.loop(
    byte.set(i32.load8u(at.get)),
    advance(at, 1),
    into.set(i32.or(into.get, i32.shl(i32.and(byte.get, i32.const(0x7f)), shift.get))),
    control.branchIf(i32.gtU(shift.get, i32.const(SHIFT_MAX)), stopDepth + 2),
    advance(shift, 7),
    control.branchIf(i32.geU(byte.get, i32.const(0x80)), 0),
  );
  return [
    ...control.block(
      into.set(i32.load8u(at.get)),
      advance(at, 1),
      control.branchIf(i32.ltU(into.get, i32.const(0x80)), 0),
      into.set(i32.and(into.get, i32.const(0x7f))),
      shift.set(i32.const(7)),
      more,
    ),
    ...into.set(
      i32.xor(i32.shrU(into.get, i32.const(1)), i32.sub(i32.const(0), i32.and(into.get, i32.const(1)))),
    ),
  ];
}

/** The same for 64 bits, of at most seven bytes. */
function readVarlong(into: Variable, byte: Variable, shift: Variable, at: Variable, stopDepth: number): Code {
  const more = control.loop(
    byte.set(i64.load8u(at.get)),
    advance(at, 1),
    into.set(i64.or(into.get, i64.shl(i64.and(byte.get, i64.const(0x7fn)), shift.get))),
    control.branchIf(i64.gtS(shift.get, i64.const(LONG_SHIFT_MAX)), stopDepth + 2),
    shift.set(i64.add(shift.get, i64.const(7n))),
    control.branchIf(i64.geS(byte.get, i64.const(0x80n)), 0),
  );
  return [
    ...control.block(
      into.set(i64.load8u(at.get)),
      advance(at, 1),
      control.branchIf(i64.ltS(into.get, i64.const(0x80n)), 0),
      into.set(i64.and(into.get, i64.const(0x7fn))),
      shift.set(i64.const(7n)),
      more,
    ),
    ...into.set(
      i64.xor(i64.shrU(into.get, i64.const(1n)), i64.sub(i64.const(0n), i64.and(into.get, i64.const(1n)))),
    ),
  ];
}

/** Copies whole vectors: up to 15 bytes too many, which the next line or the buffer's margin takes. */
function copyVectors(from: Variable, to: Variable, length: Variable, end: Variable): Code {
  return control.block(
    control.branchIf(i32.eqz(length.get), 0),
    end.set(i32.add(from.get, length.get)),
    control.loop(
      v128.store(to.get, v128.load(from.get)),
      advance(to, VECTOR_BYTES),
      control.branchIf(i32.ltU(from.tee(i32.add(from.get, i32.const(VECTOR_BYTES))), end.get), 0),
    ),
  );
}

function variablesOf(copy: FunctionBuilder) {
  const [at, end] = [copy.parameter(I32), copy.parameter(I32)];
  const [left, out] = [copy.parameter(I32), copy.parameter(I32)];
  const local = (): Variable => copy.local(I32);
  const [read, byte, shift] = [local(), local(), local()];
  const [length, recordEnd, delta] = [local(), local(), local()];
  const [lastDelta, count, to] = [local(), local(), local()];
  const [time, longByte, longShift] = [copy.local(I64), copy.local(I64), copy.local(I64)];
  const bytewise = { byte, shift, longByte, longShift };
  return { at, end, left, out, read, length, recordEnd, delta, lastDelta, count, to, time, ...bytewise };
}

type Variables = ReturnType<typeof variablesOf>;

/** Leaves the loop, and so stops before this record. */
const stopIf = (condition: Code): Code => control.branchIf(condition, 1);

/** Reads one record up to its value: `read`, `length`. */
function readRecord(variables: Variables): Code[] {
  const { at, end, read, byte, shift, length, recordEnd, delta, time, longByte, longShift } = variables;
  const place: Place = { at: read, byte, shift };
  const timeMs = f64.fromI64(time.get);
  const isEarly = f64.lt(timeMs, f64.load(field(FIELD.fromMs)));
  const isLate = i32.eqz(f64.lt(timeMs, f64.load(field(FIELD.toMs))));
  const skipKey = control.block(
    control.branchIf(i32.ltS(length.get, i32.const(1)), 0),
    read.set(i32.add(read.get, length.get)),
  );
  return [
    read.set(at.get),
    readVarint(length, place, 1),
    stopIf(i32.ltS(length.get, i32.const(0))),
    recordEnd.set(i32.add(read.get, length.get)),
    stopIf(i32.gtU(recordEnd.get, end.get)),
    advance(read, 1), // attributes: unused
    readVarlong(time, longByte, longShift, read, 1),
    stopIf(i32.or(isEarly, isLate)),
    readVarint(delta, place, 1),
    stopIf(i32.ltS(delta.get, i32.load(field(FIELD.fromDelta)))),
    stopIf(i32.geS(delta.get, i32.load(field(FIELD.toDelta)))),
    readVarint(length, place, 1),
    skipKey,
    stopIf(i32.gtU(read.get, recordEnd.get)),
    readVarint(length, place, 1),
    stopIf(i32.ltS(length.get, i32.const(0))),
    stopIf(i32.geU(i32.add(read.get, length.get), recordEnd.get)),
  ];
}

/** Copies the value that was found, where there is room, and moves on behind the record. */
function writeLine(variables: Variables): Code[] {
  const { at, left, out, read, shift, length, recordEnd, delta, lastDelta, count, to } = variables;
  const needed = i32.add(i32.add(out.get, length.get), i32.const(VECTOR_BYTES + 1));
  return [
    stopIf(i32.gtU(needed, i32.load(field(FIELD.outEnd)))),
    to.set(out.get),
    copyVectors(read, to, length, shift),
    out.set(i32.add(out.get, length.get)),
    i32.store8(out.get, i32.const(NEWLINE)),
    advance(out, 1),
    at.set(recordEnd.get),
    lastDelta.set(delta.get),
    advance(left, -1),
    advance(count, 1),
  ];
}

/** copyLines(at, end, left, out): how many records were taken; the fields say up to where. */
function copyLinesFunction(): FunctionBuilder {
  const copy = new FunctionBuilder('copyLines', I32);
  const variables = variablesOf(copy);
  const { at, left, out, lastDelta, count } = variables;
  copy.body = [
    ...control.block(
      control.loop(
        stopIf(i32.eqz(left.get)),
        ...readRecord(variables),
        ...writeLine(variables),
        control.branchIf(i32.ltU(out.get, i32.load(field(FIELD.stopAt))), 0),
      ),
    ),
    ...i32.store(field(FIELD.at), at.get),
    ...i32.store(field(FIELD.out), out.get),
    ...i32.store(field(FIELD.delta), lastDelta.get),
    ...count.get,
  ];
  return copy;
}

const { copyLines } = instantiate([copyLinesFunction()]) as {
  readonly copyLines: (at: number, end: number, left: number, out: number) => number;
};

/** Addresses are those of the kernels' memory; times and deltas count from the batch's first. */
export interface LineCopy {
  fromMs: number;
  toMs: number;
  fromDelta: number;
  toDelta: number;
  /** Where the records are: [at, end), `left` of them. */
  at: number;
  end: number;
  left: number;
  /** Where lines go: [out, outEnd). */
  out: number;
  outEnd: number;
  /** No further record once the lines have come so far. */
  stopAt: number;
  /** Of the last record that was copied. */
  delta: number;
}

/** Readable bytes behind the records that a copy may touch without using them. */
export const LINE_COPY_MARGIN_BYTES = 64;

/** Moves `at`, `left`, `out` and `delta` over the records that were copied, and says how many these are. */
export function copyPlainLines(copy: LineCopy): number {
  doubles[FIELD.fromMs / 8] = copy.fromMs;
  doubles[FIELD.toMs / 8] = copy.toMs;
  integers[FIELD.fromDelta / 4] = copy.fromDelta;
  integers[FIELD.toDelta / 4] = copy.toDelta;
  integers[FIELD.outEnd / 4] = copy.outEnd;
  integers[FIELD.stopAt / 4] = copy.stopAt;
  const count = copyLines(copy.at, copy.end, copy.left, copy.out);
  copy.at = integers[FIELD.at / 4] ?? copy.at;
  copy.out = integers[FIELD.out / 4] ?? copy.out;
  copy.delta = integers[FIELD.delta / 4] ?? copy.delta;
  copy.left -= count;
  return count;
}
