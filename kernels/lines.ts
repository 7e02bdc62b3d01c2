/**
 * The record path's second implementation, in WebAssembly: routes plain records and writes their lines, many
 * per call: their values as they are, or whole records as JSON (recordLines.ts). The first implementation is
 * authoritative: `#scan` of src/writing/recordRouter.ts routes a record, a LineFormat of src/formats makes
 * its line, `append` of src/writing/lineBuffer.ts copies it. The kernel has no rules of its own: slot length
 * and routes come from src/writing/takingFiles.ts, the limits of a buffer from src/writing/lineBuffer.ts. It
 * stops at the first record that is not plain (null, damaged, in a slot without a route, too large for the
 * rest of its buffer or file, one too many for its file, or with a line feed where that is bad), and the
 * router handles that record alone. test/unit/sources/kafka/records/lineRuns.test.ts compares the two.
 */
import {
  advance,
  control,
  f64,
  FunctionBuilder,
  I32,
  I64,
  i32,
  i64,
  V128,
  type Code,
  type Variable,
} from './assembler.ts';
import { instantiate, reserve } from './memory.ts';
import { copyChecked, copyVectors } from './valueLines.ts';
import {
  beginLinesWith,
  recordLineMost,
  recordScratch,
  writeRecordLine,
  type WrittenAs,
} from './recordLines.ts';
import { FILL, NEWLINE, OWNER_STEP, ROUTE, ROUTE_BYTES, ROUTES_MASK, routesAddress } from './routeTable.ts';

/**
 * Longer varints are legal but not plain: four bytes hold any length that is read here, seven any time delta
 * of millennia.
 */
const SHIFT_MAX = 21;
const LONG_SHIFT_MAX = 42n;

/** Arguments and results of a call, as field offsets in the kernels' memory. */
const FIELD = {
  firstMs: 0,
  slotMs: 8,
  firstOffset: 16,
  /** All bits or none: whether a record's own time is used. */
  timeMask: 24,
  nowMs: 32,
  fromDelta: 40,
  toDelta: 44,
  owner: 48,
  at: 52,
  delta: 56,
  beginLength: 60,
};
const fields = reserve(64);
const integers = new Int32Array(fields.buffer, fields.byteOffset, 16);
const longs = new BigInt64Array(fields.buffer, fields.byteOffset, 8);
const doubles = new Float64Array(fields.buffer, fields.byteOffset, 8);

const field = (offset: number): Code => i32.const(fields.byteOffset + offset);

interface Place {
  readonly at: Variable;
  readonly byte: Variable;
  readonly shift: Variable;
}

/** Reads a zigzag varint of at most four bytes; leaves `stopDepth` blocks if it is longer. */
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

/** The same for 64 bits and at most seven bytes. */
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

function variablesOf(copy: FunctionBuilder) {
  const [at, end, left] = [copy.parameter(I32), copy.parameter(I32), copy.parameter(I32)];
  const local = (): Variable => copy.local(I32);
  const [read, byte, shift] = [local(), local(), local()];
  const [length, recordEnd, delta] = [local(), local(), local()];
  const [lastDelta, count, to, newlineAt] = [local(), local(), local(), local()];
  const [route, fill, filled] = [local(), local(), local()];
  const long = (): Variable => copy.local(I64);
  const [time, longByte, longShift] = [long(), long(), long()];
  const [slot, slotMs, slotFrom] = [long(), long(), long()];
  const [vector, feeds] = [copy.local(V128), copy.local(V128)];
  const [keyAt, keyLength] = [local(), local()];
  const scratch = recordScratch(copy);
  const record = { read, byte, shift, length, recordEnd, delta, time, longByte, longShift };
  const place = { route, fill, filled, to, newlineAt, slot, slotMs, slotFrom };
  return { at, end, left, lastDelta, count, vector, feeds, keyAt, keyLength, scratch, ...place, ...record };
}

type Variables = ReturnType<typeof variablesOf>;

/** Leaves the loop, and so stops before this record. */
const stopIf = (condition: Code): Code => control.branchIf(condition, 1);

/**
 * Reads one record up to its value; sets `read` and `length`. A whole record is plain only without headers.
 */
function readRecord(variables: Variables, isWhole: boolean): Code[] {
  const { at, end, read, byte, shift, length, recordEnd, delta, time, longByte, longShift } = variables;
  const { keyAt, keyLength } = variables;
  const headersAt = i32.add(read.get, length.get);
  const place: Place = { at: read, byte, shift };
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
    readVarint(delta, place, 1),
    stopIf(i32.ltS(delta.get, i32.load(field(FIELD.fromDelta)))),
    stopIf(i32.geS(delta.get, i32.load(field(FIELD.toDelta)))),
    readVarint(length, place, 1),
    ...(isWhole ? [keyAt.set(read.get), keyLength.set(length.get)] : []),
    skipKey,
    stopIf(i32.gtU(read.get, recordEnd.get)),
    readVarint(length, place, 1),
    stopIf(i32.ltS(length.get, i32.const(0))),
    stopIf(i32.geU(headersAt, recordEnd.get)),
    ...(isWhole
      ? [stopIf(i32.ne(i32.add(headersAt, i32.const(1)), recordEnd.get)), stopIf(i32.load8u(headersAt))]
      : []),
  ];
}

/** Finds the fill state of the record's slot; reuses the previous one if the slot is the same. */
function findFillState({ time, slot, slotMs, slotFrom, route, fill }: Variables): Code[] {
  const place = i32.and(
    i32.add(i32.fromI64(slot.get), i32.mul(i32.load(field(FIELD.owner)), i32.const(OWNER_STEP))),
    i32.const(ROUTES_MASK),
  );
  return [
    time.set(i64.and(time.get, i64.load(field(FIELD.timeMask)))),
    time.set(i64.add(time.get, i64.fromF64(f64.load(field(FIELD.firstMs))))),
    control.block(
      control.block(
        control.branchIf(i32.eqz(fill.get), 0),
        control.branchIf(i64.ltU(i64.sub(time.get, slotFrom.get), slotMs.get), 1),
      ),
      slot.set(i64.divS(time.get, slotMs.get)),
      slotFrom.set(i64.mul(slot.get, slotMs.get)),
      route.set(i32.add(i32.const(routesAddress), i32.mul(place, i32.const(ROUTE_BYTES)))),
      control.branchIf(i64.ne(i64.load(route.get, ROUTE.slot), slot.get), 2),
      control.branchIf(i32.ne(i32.load(route.get, ROUTE.owner), i32.load(field(FIELD.owner))), 2),
      fill.set(i32.load(route.get, ROUTE.fill)),
    ),
  ];
}

/** The lines of plain records. */
export type BulkLines =
  /** Their values as they are. With `isOneLine`, those with a line feed are not plain. */
  | { readonly type: 'values'; readonly isOneLine: boolean }
  /** Whole records as JSON, which begin with these bytes, at most BEGIN_BYTES_MAX (recordLines.ts). */
  | {
      readonly type: 'records';
      readonly begin: Uint8Array;
      readonly key: WrittenAs;
      readonly value: WrittenAs;
    };

interface Rules {
  /** Records have a limit, too. */
  readonly isCounted: boolean;
  readonly lines: BulkLines;
}

/**
 * Writes the line at `to` if there is room for it; sets `newlineAt`, and `filled` to what is in the buffer
 * then.
 */
function makeLine(variables: Variables, lines: BulkLines): Code[] {
  const { read, shift, length, to, newlineAt, fill, filled, feeds, vector } = variables;
  const limit = i32.load(fill.get, FILL.limit);
  if (lines.type === 'values') {
    return [
      filled.set(i32.add(i32.add(filled.get, length.get), i32.const(1))),
      stopIf(i32.gtS(filled.get, limit)),
      newlineAt.set(i32.add(to.get, length.get)),
      lines.isOneLine
        ? copyChecked(read, to, length, { left: shift, feeds, vector }, stopIf)
        : copyVectors(read, to, length, shift),
    ];
  }
  const { keyAt, keyLength, time, delta, scratch } = variables;
  const place = {
    ...{ keyAt, keyLength, valueAt: read, valueLength: length, time, offset: scratch.offset, to },
    beginLength: i32.load(field(FIELD.beginLength)),
  };
  return [
    stopIf(i32.gtS(i32.add(filled.get, recordLineMost(place)), limit)),
    scratch.offset.set(i64.add(i64.load(field(FIELD.firstOffset)), i64.fromI32(delta.get))),
    ...writeRecordLine(place, scratch, lines, 1),
    newlineAt.set(to.get),
    filled.set(i32.add(i32.sub(to.get, i32.load(fill.get, FILL.address)), i32.const(1))),
  ];
}

/** Writes the line, and moves past the record. What is written counts only once the fill state says so. */
function writeLine(variables: Variables, { isCounted, lines }: Rules): Code[] {
  const { at, left, recordEnd, delta, lastDelta, count, to, newlineAt, fill, filled } = variables;
  const offset = i64.add(i64.load(field(FIELD.firstOffset)), i64.fromI32(delta.get));
  const isFull = i32.geS(i32.load(fill.get, FILL.records), i32.load(fill.get, FILL.recordsLimit));
  return [
    ...(isCounted ? [stopIf(isFull)] : []),
    filled.set(i32.load(fill.get, FILL.filled)),
    to.set(i32.add(i32.load(fill.get, FILL.address), filled.get)),
    ...makeLine(variables, lines),
    i32.store(fill.get, filled.get, FILL.filled),
    i32.store(fill.get, i32.add(i32.load(fill.get, FILL.records), i32.const(1)), FILL.records),
    i64.store(fill.get, offset, FILL.lastOffset),
    f64.store(fill.get, f64.load(field(FIELD.nowMs)), FILL.lastWriteAtMs),
    i32.store(fill.get, i32.const(1), FILL.isByKernel),
    i32.store8(newlineAt.get, i32.const(NEWLINE)),
    at.set(recordEnd.get),
    lastDelta.set(delta.get),
    advance(left, -1),
    advance(count, 1),
  ];
}

/** name(at, end, left): number of records taken; the fields say how far. */
function routeRecordsFunction(name: string, rules: Rules): FunctionBuilder {
  const copy = new FunctionBuilder(name, I32);
  const variables = variablesOf(copy);
  const { at, left, lastDelta, count, slotMs } = variables;
  copy.body = [
    ...slotMs.set(i64.fromF64(f64.load(field(FIELD.slotMs)))),
    ...control.block(
      control.loop(
        stopIf(i32.eqz(left.get)),
        ...readRecord(variables, rules.lines.type === 'records'),
        ...findFillState(variables),
        ...writeLine(variables, rules),
        control.branch(0),
      ),
    ),
    ...i32.store(field(FIELD.at), at.get),
    ...i32.store(field(FIELD.delta), lastDelta.get),
    ...count.get,
  ];
  return copy;
}

type RouteRecords = (at: number, end: number, left: number) => number;

function nameOf({ isCounted, lines }: Rules): string {
  const of = lines.type === 'values' ? String(lines.isOneLine) : `${lines.key} ${lines.value}`;
  return `${lines.type} ${of}${isCounted ? ' counted' : ''}`;
}

/**
 * A function of its own for each combination of rules that is asked for: the others go without the
 * comparisons.
 */
const functions = new Map<string, RouteRecords>();

/** Of a kind of run. */
export function routeFunction(rules: Rules): RouteRecords {
  const name = nameOf(rules);
  const known = functions.get(name);
  if (known !== undefined) return known;
  const made = instantiate([routeRecordsFunction('route', rules)]) as { readonly route: RouteRecords };
  functions.set(name, made.route);
  return made.route;
}

/** Deltas are relative to `firstOffset`. */
export interface RecordRun {
  firstOffset: bigint;
  /** Time of the first record, or of all records. */
  firstMs: number;
  /** Whether records have times of their own. */
  hasTimes: boolean;
  fromDelta: number;
  toDelta: number;
  /** The records in the kernels' memory: `left` records in [at, end). */
  at: number;
  end: number;
  left: number;
  /** Delta of the last record that was copied. */
  delta: number;
}

/**
 * The router's input for the kernel: which records may be routed in bulk, and by whose routes. Reused for
 * every call.
 */
export interface RouteRun {
  /** Records with offsetDelta in [fromDelta, toDelta). */
  fromDelta: number;
  toDelta: number;
  /** Owner number of the route table. */
  owner: number;
  /** A record's slot is its time divided by this, rounded towards 0. */
  readonly slotMs: number;
  /** From `routeFunction`. */
  readonly route: RouteRecords;
  /** What lines of whole records begin with; else empty. */
  readonly begin: Uint8Array;
  /** Time at which the lines are written. */
  nowMs: number;
}

/** Readable bytes after the records that a copy may touch without using them. */
export const READ_MARGIN_BYTES = 64;

/** Moves `at`, `left` and `delta` past the copied records and returns their number. */
export function routePlainRecords(copy: RecordRun, { owner, slotMs, route, begin, nowMs }: RouteRun): number {
  const mask = copy.hasTimes ? -1 : 0;
  doubles[FIELD.firstMs / 8] = copy.firstMs;
  doubles[FIELD.slotMs / 8] = slotMs;
  longs[FIELD.firstOffset / 8] = copy.firstOffset;
  integers[FIELD.timeMask / 4] = mask;
  integers[FIELD.timeMask / 4 + 1] = mask;
  doubles[FIELD.nowMs / 8] = nowMs;
  integers[FIELD.fromDelta / 4] = copy.fromDelta;
  integers[FIELD.toDelta / 4] = copy.toDelta;
  integers[FIELD.owner / 4] = owner;
  if (begin.length > 0) beginLinesWith(begin);
  integers[FIELD.beginLength / 4] = begin.length;
  const count = route(copy.at, copy.end, copy.left);
  copy.at = integers[FIELD.at / 4] ?? copy.at;
  copy.delta = integers[FIELD.delta / 4] ?? copy.delta;
  copy.left -= count;
  return count;
}
